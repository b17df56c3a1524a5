// What is filled in for a fit, as the options of `pyama fit`; the server reads and checks them.

/**
 * One parameter of the model and what was typed.
 * @typedef {object} ParameterRow
 * @property {Pick<Api.ParameterDescription, "name" | "fixed" | "default" | "lower" | "upper">} parameter
 * @property {boolean} isFixed
 * @property {string} value The value at which it is fixed, or where a fit starts.
 * @property {string} lower
 * @property {string} upper
 */

/**
 * The options that say how parameters are fitted; what has its default is left out.
 * @param {Array<ParameterRow>} rows
 * @returns {Required<Pick<Api.FitRequest, "free" | "fix" | "bound" | "guess">>}
 */
export function toFitOptions(rows) {
  const fitted = rows.filter(({ isFixed }) => !isFixed);
  return {
    free: fitted.filter(({ parameter }) => parameter.fixed).map(({ parameter }) => parameter.name).join(","),
    fix: rows.filter((row) => row.isFixed && !isDefault(row)).map(({ parameter, value }) => `${parameter.name}=${value.trim()}`),
    bound: fitted.filter(({ lower, upper }) => lower.trim() || upper.trim()).map(({ parameter, lower, upper }) =>
      `${parameter.name}=${lower.trim() || (parameter.lower ?? "-inf")}:${upper.trim() || (parameter.upper ?? "inf")}`),
    guess: fitted.filter(({ value }) => value.trim()).map(({ parameter, value }) => `${parameter.name}=${value.trim()}`),
  };
}

/**
 * Whether a fixed parameter has the value at which it is fixed by default.
 * @param {ParameterRow} row
 */
function isDefault({ parameter, value }) {
  return parameter.fixed && (value.trim() === "" || Number(value) === parameter.default);
}
