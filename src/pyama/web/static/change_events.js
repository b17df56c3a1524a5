// Corrections of other people and in other tabs: the server tells when there are any.

/** @type {EventSource | null} */
let source = null;
/** @type {{address: string, act: (event: {version: string}) => void} | null} */
let watched = null;

/**
 * Calls `act` with what the server tells about an address, until another one is watched.
 * @param {string} address
 * @param {(event: {version: string}) => void} act
 */
export function watchChanges(address, act) {
  watched = { address, act };
  openStream();
}

export function stopWatching() {
  watched = null;
  openStream();
}

// A hidden page does not watch, because browsers open few connections to one server.
function openStream() {
  source?.close();
  source = null;
  if (!watched || document.hidden) return;
  const { address, act } = watched;
  source = new EventSource(address);
  source.onmessage = ({ data }) => act(JSON.parse(data));
}

document.addEventListener("visibilitychange", openStream);
