// A button that copies the text of a field. Without this script it stays hidden, and the text is copied by hand.
"use strict";

document.querySelectorAll("button[data-copies]").forEach((button) => {
  const field = document.getElementById(button.dataset.copies);
  const said = document.getElementById(button.dataset.says);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = "Copied.";
    } catch {
      field.select(); // the browser does not allow it: the text is marked, to be copied by hand
      said.textContent = "Not allowed here: copy the marked text.";
    }
  });
});
