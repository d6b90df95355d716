// Times: the server writes UTC; here they become the reader's zone, with UTC kept in the title.
// `data-countdown` around a <time> adds how long it is until then.
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "long" });
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function localise(element) {
  const moment = new Date(element.dateTime);
  if (element.title || Number.isNaN(moment.getTime())) return;
  element.title = element.textContent;
  element.textContent = absolute.format(moment);
}

// Two days and more are told in days, the last minutes to the second.
export function distance(seconds) {
  const [unit, size] =
    UNITS.find(([name, length]) => Math.abs(seconds) >= (name === "second" ? 0 : 2 * length)) ??
    UNITS.at(-1);
  return relative.format(Math.trunc(seconds / size), unit);
}

function count(holder) {
  const time = holder.querySelector("time");
  const moment = new Date(time?.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  let left = holder.querySelector(".left");
  if (!left) {
    left = document.createElement("span");
    left.className = "left";
    holder.append(" ", left);
  }
  const text = `(${distance((moment - Date.now()) / 1000)})`;
  if (left.textContent !== text) left.textContent = text;
}

function rewrite(root) {
  for (const element of root.querySelectorAll("time[datetime]")) localise(element);
  for (const holder of root.querySelectorAll("[data-countdown]")) count(holder);
}

function nameZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const element of document.querySelectorAll("[data-zone]"))
    element.textContent = `Times are in your zone (${zone})`;
}

rewrite(document);
nameZone();
document.addEventListener("fivesigma:replaced", (event) => rewrite(event.target));
setInterval(() => {
  if (!document.hidden) for (const holder of document.querySelectorAll("[data-countdown]")) count(holder);
}, 1000);
