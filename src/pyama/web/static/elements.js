// Elements of the page: how they are found and made, and the status line.

/**
 * An element of the page by its id.
 * @template {keyof Elements} I
 * @param {I} id
 * @returns {Elements[I]}
 */
export function find(id) {
  return /** @type {any} */ (document.getElementById(id));
}

/**
 * Makes an element; strings become text, never markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes] Properties of the element, or else attributes.
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "list") Object.assign(made, { [name]: value });
    else made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Where a canvas is drawn on.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", settings));
}

/**
 * A part of the page with a heading.
 * @param {string} title
 * @param {...(Node | string)} children
 */
export function card(title, ...children) {
  return element("section", { className: "card", "aria-label": title }, element("h2", {}, title), ...children);
}

/**
 * Replaces the options of a list, and chooses one if it is among them.
 * @param {HTMLSelectElement} select
 * @param {Array<[unknown, unknown]>} options Values and texts.
 * @param {unknown} [chosen] A value.
 */
export function fillSelect(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, String(text))));
  if (chosen !== undefined && options.some(([value]) => String(value) === String(chosen))) select.value = String(chosen);
}

/**
 * Shows a text in the status line.
 * @param {string} text
 */
export function showStatus(text, isError = false) {
  const status = find("status");
  status.textContent = text;
  status.classList.toggle("error", isError);
}

/** @param {unknown} error */
export function showError(error) {
  showStatus(error instanceof Error ? error.message : String(error), true);
}

/**
 * Wraps a function so that its errors are shown to the user.
 * @template {unknown[]} A
 * @template R
 * @param {(...given: A) => R | Promise<R>} work
 * @returns {(...given: A) => Promise<R | undefined>}
 */
export function showErrorsOf(work) {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      showError(error);
      return undefined;
    }
  };
}
