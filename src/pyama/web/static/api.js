// Requests to the server; all requests use this module.

export function address(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return `/api/${path}?${search}`;
}

export async function get(path, query) {
  return (await checked(await fetch(address(path, query)))).json();
}

export async function post(path, query, body) {
  const answer = await fetch(address(path, query), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  return (await checked(answer)).json();
}

export async function checked(answer) {
  if (answer.ok) return answer;
  let message = `${answer.status} ${answer.statusText}`;
  const text = await answer.text();
  try {
    const { detail } = JSON.parse(text);
    message = Array.isArray(detail) ? detail.map((d) => `${d.loc.slice(1).join(".")}: ${d.msg}`).join("; ") : detail;
  } catch {
    if (text) message = text;
  }
  throw Object.assign(new Error(message), { status: answer.status });
}

// Makes an element; strings become text, never markup.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const find = (id) => document.getElementById(id);

export function say(text, isError = false) {
  const status = find("status");
  status.textContent = text;
  status.classList.toggle("error", isError);
}

// Wraps a function so that its errors are shown to the user.
export function showingErrors(work) {
  return async (...given) => {
    try {
      return await work(...given);
    } catch (error) {
      say(error.message, true);
      return undefined;
    }
  };
}

// Of several requests of one kind, only the answer to the last one counts, whichever comes first:
// each call returns a function that tells whether it is still the last.
export function latest() {
  let count = 0;
  return () => {
    const mine = ++count;
    return () => mine === count;
  };
}

export function fill(select, values, chosen) {
  select.replaceChildren(...values.map(([value, text]) => element("option", { value }, text)));
  if (chosen !== undefined && values.some(([value]) => String(value) === String(chosen))) select.value = chosen;
}
