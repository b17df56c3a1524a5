// Corrections of other people and in other tabs: the server tells when there are any.

let source = null;
let watched = null;

// Calls `changed` with what the server tells about an address, until another one is watched.
export function watch(address, changed) {
  watched = address && { address, changed };
  open();
}

// A hidden page does not watch, because browsers open few connections to one server.
function open() {
  source?.close();
  source = null;
  if (!watched || document.hidden) return;
  const { address, changed } = watched;
  source = new EventSource(address);
  source.onmessage = ({ data }) => changed(JSON.parse(data));
}

document.addEventListener("visibilitychange", open);
