// Live pages. An element with data-events names the challenge's event stream; elements with
// data-live="key" are the parts that change. An event carries no values: on any event the page
// itself is fetched again and its parts are put in place, so that what one sees live is what a
// reload would show. Without a stream (no script, no broker) the page is simply a page.
const CALM = 400; // ms in which several events become one fetch
const LONGEST_WAIT = 60_000;

const follower = {
  source: null,
  failures: 0,
  refresh: null,
  busy: false,
  again: false,
};

function address() {
  return document.querySelector("[data-events]")?.dataset.events;
}

function say(state) {
  for (const element of document.querySelectorAll("[data-live-status]")) element.dataset.liveStatus = state;
}

function wait(failures) {
  return Math.min(LONGEST_WAIT, 1000 * 2 ** failures) * (0.5 + Math.random() / 2);
}

function schedule(delay = CALM * (1 + Math.random())) {
  if (follower.refresh !== null) return;
  follower.refresh = setTimeout(async () => {
    follower.refresh = null;
    await refresh();
  }, delay);
}

async function refresh() {
  if (document.hidden) return; // becoming visible refreshes anyway
  if (follower.busy) {
    follower.again = true;
    return;
  }
  follower.busy = true;
  try {
    const url = new URL(location.href);
    url.searchParams.delete("notice");
    const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-cache" });
    // A page that is refused (a blind board) is shown as it is; trouble is asked about again.
    if (answer.status >= 500 || answer.status === 429) throw new Error(`status ${answer.status}`);
    replaceParts(new DOMParser().parseFromString(await answer.text(), "text/html"));
    follower.failures = 0;
  } catch {
    follower.failures += 1;
    schedule(wait(follower.failures));
  } finally {
    follower.busy = false;
    if (follower.again) {
      follower.again = false;
      schedule();
    }
  }
}

export function replaceParts(fresh) {
  for (const old of document.querySelectorAll("[data-live]")) {
    const key = CSS.escape(old.dataset.live);
    const next = fresh.querySelector(`[data-live="${key}"]`);
    if (!next || next.outerHTML === old.fivesigmaSource) continue;
    const source = next.outerHTML;
    const focus = focusWithin(old);
    const node = document.importNode(next, true);
    node.fivesigmaSource = source;
    keepTyped(old, node);
    old.replaceWith(node);
    restore(node, focus);
    node.dispatchEvent(new CustomEvent("fivesigma:replaced", { bubbles: true }));
  }
}

// Where the focus was, as something that can be found again: an id, a name, an address or a place.
function focusWithin(element) {
  const active = document.activeElement;
  if (!active || !element.contains(active)) return null;
  const all = [element, ...element.querySelectorAll("*")];
  return {
    id: active.id,
    name: active.getAttribute("name"),
    href: active.getAttribute("href"),
    tag: active.tagName,
    place: all.indexOf(active),
  };
}

function restore(element, focus) {
  if (!focus) return;
  const all = [element, ...element.querySelectorAll("*")];
  const alike = all.filter((candidate) => candidate.tagName === focus.tag);
  const found =
    (focus.id && alike.find((candidate) => candidate.id === focus.id)) ||
    (focus.name && alike.find((candidate) => candidate.getAttribute("name") === focus.name)) ||
    (focus.href && alike.find((candidate) => candidate.getAttribute("href") === focus.href)) ||
    (all[focus.place]?.tagName === focus.tag && all[focus.place]);
  if (found) found.focus({ preventScroll: true });
}

// What somebody is typing or has chosen must survive the exchange.
function keepTyped(old, next) {
  for (const input of old.querySelectorAll("input[name], textarea[name], select[name]")) {
    if (input.type === "hidden" || input.type === "file") continue;
    const pairs = next.querySelectorAll(`[name="${CSS.escape(input.name)}"]`);
    const twin = [...pairs].find((candidate) => candidate.type !== "radio" && candidate.type !== "checkbox"
      ? true : candidate.value === input.value);
    if (!twin) continue;
    if (input.type === "checkbox" || input.type === "radio") {
      if (input.checked !== input.defaultChecked) twin.checked = input.checked;
    } else if (input.tagName === "SELECT" || input.value !== input.defaultValue) twin.value = input.value;
  }
}

function heard() {
  follower.failures = 0;
  schedule();
}

function open() {
  if (follower.source || document.hidden || !address()) return;
  const source = new EventSource(address());
  follower.source = source;
  source.addEventListener("open", () => say("on"));
  for (const type of ["message", "submission", "board", "resync"]) source.addEventListener(type, heard);
  source.addEventListener("error", () => {
    say("off");
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    follower.source = null;
    follower.failures += 1;
    setTimeout(open, wait(follower.failures));
  });
}

// A hidden page holds no connection: browsers allow few per host. It catches up when it is seen.
function onVisibility() {
  if (document.hidden) {
    follower.source?.close();
    follower.source = null;
    say("off");
  } else {
    open();
    schedule(0);
  }
}

if (address()) {
  document.addEventListener("visibilitychange", onVisibility);
  open();
}
