// Playing: one frame after the other, as fast as chosen or as fast as they are loaded.

import { find, showError } from "./elements.js";
import { makeFileButtons } from "./figure_files.js";
import { isLoaded, preloadFrames } from "./frames.js";
import { openSource, state } from "./state.js";

let lastTime = 0;
let draw = () => {};

/** @param {() => void} drawFrame Draws the frame of the state. */
export function setUpPlayback(drawFrame) {
  draw = drawFrame;
  find("play").addEventListener("click", togglePlaying);
  const title = "Save a movie of phase contrast with outlines and numbers of the cells, time and scale bar; takes a while";
  find("transport").append(...makeFileButtons(["GIF", "MP4"], title, () => `fovs/${openSource().fov}/movie`, () => ({
    dir: openSource().dir,
    fps: Math.min(60, Number(find("speed").value)),
  })));
}

export function togglePlaying() {
  state.playing = !state.playing;
  find("play").setAttribute("aria-pressed", `${state.playing}`);
  find("play").textContent = state.playing ? "Pause" : "Play";
  lastTime = 0;
  if (!state.playing) return;
  preloadFrames(stopPlaying);
  requestAnimationFrame(showNext);
}

/**
 * Stops and shows an error. While nothing plays, it is shown when its frame is reached.
 * @param {unknown} error
 */
export function stopPlaying(error) {
  if (!state.playing) return;
  togglePlaying();
  showError(error);
}

/** @param {number} now In ms. */
function showNext(now) {
  if (!state.playing) return;
  const pause = 1000 / Number(find("speed").value);
  const next = (state.frame + 1) % openSource().details.shape[0];
  if (now - lastTime >= pause - 4) {
    if (isLoaded(next)) {
      lastTime = now;
      state.frame = next;
      find("frame").value = `${next}`;
      draw();
    }
    preloadFrames(stopPlaying);
  }
  requestAnimationFrame(showNext);
}
