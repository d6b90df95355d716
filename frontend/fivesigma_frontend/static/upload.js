// Uploads: a form with data-upload gets drag and drop, a size check before the first byte, and
// progress. What the server answers is shown as if the form had been sent plainly.
function words(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let power = 0;
  for (; bytes >= 1000 && power < units.length - 1; power += 1) bytes /= 1000;
  return `${power ? bytes.toFixed(1) : bytes} ${units[power]}`;
}

function check(input) {
  const limit = Number(input.dataset.maxBytes ?? Infinity);
  const file = input.files[0];
  input.setCustomValidity(
    file && file.size > limit
      ? `This file has ${words(file.size)}; at most ${words(limit)} are allowed.`
      : file && file.size === 0
        ? "This file is empty."
        : "",
  );
  if (file) input.reportValidity();
}

function bindDrop(zone, input) {
  const over = (event) => {
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.addEventListener("dragenter", over);
  zone.addEventListener("dragover", over);
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
  });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer.files.length !== 1) {
      input.setCustomValidity("Drop one file.");
      input.reportValidity();
      input.setCustomValidity("");
      return;
    }
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function meter() {
  const box = document.createElement("div");
  box.className = "upload-progress";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", "Upload");
  const text = document.createElement("p");
  text.setAttribute("role", "status");
  text.textContent = "Sending …";
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "button quiet small";
  stop.textContent = "Stop";
  box.append(bar, text, stop);
  return { box, bar, text, stop };
}

function send(form, submitter) {
  const request = new XMLHttpRequest();
  const { box, bar, text, stop } = meter();
  const buttons = [...form.querySelectorAll("button[type=submit]")];
  const end = (message) => {
    for (const button of buttons) button.disabled = false;
    delete form.dataset.sending;
    if (message) {
      bar.remove();
      stop.remove();
      text.textContent = message;
      text.setAttribute("role", "alert");
    } else box.remove();
  };
  form.querySelector(".upload-progress")?.remove();
  form.append(box);
  form.dataset.sending = "";
  const body = new FormData(form, submitter);
  for (const button of buttons) button.disabled = true;

  request.upload.addEventListener("progress", (event) => {
    if (!event.lengthComputable) return;
    bar.value = event.loaded / event.total;
    text.textContent = `${words(event.loaded)} of ${words(event.total)}`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    text.textContent = "Arrived; the file is being checked …";
  });
  request.addEventListener("load", () => {
    end();
    show(request, address, form);
  });
  request.addEventListener("error", () =>
    end("The connection broke before the file had arrived. Nothing was handed in: send it again."),
  );
  request.addEventListener("abort", () => end("Stopped. Nothing was handed in."));
  stop.addEventListener("click", () => request.abort());
  const address = new URL(
    submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "",
    location.href,
  );
  request.open("POST", address);
  request.setRequestHeader("Accept", "text/html");
  request.responseType = "document";
  request.send(body);
}

// After a redirect: go there. Otherwise (a report on the file): the answer's content, in place.
function show(request, address, form) {
  const answered = new URL(request.responseURL, location.href);
  if (request.status < 400 && answered.pathname !== address.pathname) {
    location.assign(answered);
    return;
  }
  const fresh = request.response?.querySelector("main");
  if (!fresh) {
    location.reload();
    return;
  }
  const files = form.querySelector('input[type="file"]').files;
  const node = document.importNode(fresh, true);
  document.querySelector("main").replaceWith(node);
  document.title = request.response.title;
  // A file that was found good needn't be chosen again; a refused one will change on the disk.
  const input = node.querySelector('form[data-upload] input[type="file"]');
  if (request.status < 400 && input) input.files = files;
  node.dispatchEvent(new CustomEvent("fivesigma:replaced", { bubbles: true }));
  node.focus();
  window.scrollTo(0, 0);
}

function enhance(form) {
  const input = form.querySelector('input[type="file"]');
  if (!input || "enhanced" in form.dataset) return;
  form.dataset.enhanced = "";
  input.addEventListener("change", () => check(input));
  bindDrop(input.closest("[data-drop]") ?? form, input);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!("sending" in form.dataset)) send(form, event.submitter);
  });
}

function enhanceAll(root) {
  for (const form of root.querySelectorAll("form[data-upload]")) enhance(form);
}

enhanceAll(document);
document.addEventListener("fivesigma:replaced", (event) => enhanceAll(event.target));
