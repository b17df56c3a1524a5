// The stacks of the field of view that is open: which there are, their levels and titles.

import { openSource, state } from "./state.js";

/** Stacks that can be shown, in the order of their buttons. */
const KINDS = ["pc", "fl", "fl_background"];

/** @returns {Array<string>} Names of the stacks that can be shown. */
export function shownGroups() {
  const groups = openSource().details.groups.filter(({ kind }) => KINDS.includes(kind));
  groups.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.channel - b.channel);
  return groups.map(({ group }) => group);
}

/**
 * @param {string} name
 * @throws {Error} The field of view has no such stack.
 */
export function groupOf(name) {
  const group = openSource().details.groups.find((entry) => entry.group === name);
  if (!group) throw new Error(`This field of view has no stack ${name}.`);
  return group;
}

/**
 * The level that the user chose, or the only one that is finished.
 * @param {string} name
 */
export function levelOf(name) {
  const { levels } = groupOf(name);
  return levels[state.level] === undefined ? /** @type {Api.Level} */ (Object.keys(levels)[0]) : state.level;
}

/** @param {string} name */
export function titleOf(name) {
  const { kind, channel } = groupOf(name);
  const title = openSource().dataset.channels[channel] ?? `${channel}`;
  return kind === "fl_background" ? `${title} background` : title;
}
