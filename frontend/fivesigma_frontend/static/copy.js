// The copy button of `copyable`: puts the text of its block on the clipboard and says so.
const SAID_FOR = 2000;

async function copy(text, block) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard over plain http: select the text, so that Ctrl-C is enough.
    getSelection().selectAllChildren(block);
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  const block = button?.closest("[data-copyable]")?.querySelector("code");
  if (!block) return;
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = (await copy(block.textContent, block)) ? "Copied" : "Press Ctrl-C";
  setTimeout(() => (button.textContent = label), SAID_FOR);
});
