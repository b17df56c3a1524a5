// The plan of a run, and its start: nobody replaces inspected results without having read which.

import { card, element, find } from "./elements.js";
import { RequestError, post } from "./requests.js";
import { watchRun } from "./run_progress.js";

/** The plan that is shown, and for which request. @type {{plan: Api.Plan, key: string} | null} */
let current = null;

const HINT = "Plan shows what would run and what would be replaced. Start makes the plan first.";

export function makePlanCard() {
  const made = card("3 · Plan",
    element("p", { id: "run-plan-state", role: "status" }, HINT),
    element("div", { id: "run-plan-box", hidden: true },
      element("ul", { id: "run-plan-notes", className: "facts" }),
      element("h3", { id: "run-replaced-title" }, "Replaced"), element("ul", { id: "run-replaced", className: "facts" }),
      element("h3", { id: "run-kept-title" }, "Kept"), element("ul", { id: "run-kept", className: "facts" }),
      element("h3", {}, "What runs, and why"),
      element("pre", { id: "run-plan-lines", tabIndex: 0, role: "region", "aria-label": "What a run would do" }),
      element("h3", {}, "As a command"),
      element("pre", { id: "run-plan-command", tabIndex: 0, role: "region", "aria-label": "The planned run as a command" })),
    element("dialog", { id: "run-ask", "aria-labelledby": "run-ask-title" },
      element("h2", { id: "run-ask-title" }, "Inspected results would be replaced"),
      element("ul", { id: "run-ask-facts", className: "facts", tabIndex: 0, "aria-label": "Inspected results" }),
      element("p", { id: "run-ask-text" }),
      element("form", { method: "dialog" },
        element("button", { id: "run-ask-no", value: "", autofocus: true }, "Keep them, do not start"), " ",
        element("button", { id: "run-ask-yes", value: "replace" }, "Replace and start"))));
  made.classList.add("plan");
  return made;
}

/**
 * Asks the server what a run would do, and shows it.
 * @param {Api.RunRequest} request
 */
export async function planRun(request) {
  find("run-plan-state").textContent = "planning …";
  try {
    const plan = await post("runs/plan", {}, request);
    current = { plan, key: keyOf(request) };
    showPlan(plan);
    find("run-plan-state").parentElement?.scrollIntoView({ block: "nearest" });
    return plan;
  } catch (error) {
    clearPlan();
    throw error;
  }
}

/** @param {Api.RunRequest} request */
const keyOf = ({ confirmed, ...request }) => JSON.stringify(request);

export function clearPlan() {
  current = null;
  find("run-plan-box").hidden = true;
  find("run-plan-state").textContent = HINT;
}

/**
 * Says whether the plan is one of what the form says now.
 * @param {Api.RunRequest | null} request Null if the form is not complete.
 */
export function comparePlan(request) {
  if (!current) return;
  const isCurrent = request !== null && keyOf(request) === current.key;
  find("run-plan-box").classList.toggle("outdated", !isCurrent);
  find("run-plan-state").textContent = isCurrent ? "This is what Start would do." : "Outdated: the form has changed since. Start makes a new plan.";
}

/** @param {Api.Plan} plan */
function showPlan({ command, notes, lines, kept, replaced, inspected }) {
  find("run-plan-box").hidden = false;
  find("run-plan-box").classList.remove("outdated");
  find("run-plan-state").textContent = inspected.length
    ? "This is what Start would do; it asks before it replaces inspected results." : "This is what Start would do.";
  fillFacts(find("run-plan-notes"), notes.map((note) => `Note: ${note}`));
  fillFacts(find("run-replaced"), replaced.length ? replaced : ["nothing"], inspected);
  fillFacts(find("run-kept"), kept.length ? kept : ["nothing"]);
  find("run-plan-lines").textContent = lines.join("\n");
  find("run-plan-command").textContent = command;
}

/**
 * @param {HTMLElement} list
 * @param {Array<string>} texts
 * @param {Array<string>} important
 */
function fillFacts(list, texts, important = []) {
  list.replaceChildren(...texts.map((text) => element("li", { className: important.includes(text) ? "bad" : "" }, text)));
}

/**
 * Starts a run and watches it. Where inspected results would be replaced, it shows them and asks;
 * the server refuses (428) if somebody has inspected more since.
 * @param {Api.RunRequest} request
 * @returns {Promise<boolean>} Whether it was started.
 */
export async function startRun(request) {
  let plan = current?.key === keyOf(request) ? current.plan : await planRun(request);
  for (;;) {
    if (plan.inspected.length && !await ask(plan)) return false;
    try {
      watchRun(await post("runs", {}, { ...request, redo: false, confirmed: plan.inspected }));
      find("run-cancel").scrollIntoView({ block: "nearest" });
      current = null; // what is there is about to change
      find("run-plan-state").textContent = "This is what was started.";
      return true;
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 428) throw error;
      plan = await planRun(request);
    }
  }
}

/**
 * Shows inspected results and asks whether they may be replaced.
 * @param {Api.Plan} plan
 * @returns {Promise<boolean>}
 */
function ask({ inspected, question }) {
  const dialog = find("run-ask");
  fillFacts(find("run-ask-facts"), inspected);
  find("run-ask-text").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "replace"), { once: true });
  });
}
