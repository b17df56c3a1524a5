// Colours of cells and of the theme.

/**
 * A different hue for every cell; neighbouring numbers differ most.
 * @param {number} cell
 */
export function cellHue(cell) {
  return (cell * 137.508) % 360;
}

/** Whether the system prefers a dark theme, and an event when that changes. */
export const darkTheme = () => matchMedia("(prefers-color-scheme: dark)");

/**
 * A colour of the theme.
 * @param {Element} place Where it is used.
 * @param {string} name Of the custom property, such as `--bad`.
 */
export const themeColour = (place, name) => getComputedStyle(place).getPropertyValue(name);
