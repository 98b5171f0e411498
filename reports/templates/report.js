"use strict";
// The page is complete without this script. It adds copy buttons and opens what a link points into.
(() => {
  const announce = (text) => { document.getElementById("announce").textContent = text; };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages opened from a file may lack the asynchronous clipboard.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("the browser refused to copy");
    }
  };

  for (const command of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    button.addEventListener("click", async () => {
      try {
        await copy(command.querySelector("code").textContent);
        button.textContent = "Copied";
        announce("The command is copied.");
      } catch {
        button.textContent = "Select it";
        announce("The browser refused to copy: select the text by hand.");
      }
      setTimeout(() => { button.textContent = "Copy"; button.focus({preventScroll: true}); }, 1500);
    });
    command.append(button);
  }

  const reveal = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    if (!id) return;
    const target = document.getElementById(id);
    if (!target) { announce(`This report has nothing named ${id}.`); return; }
    for (let place = target; place; place = place.parentElement) {
      if (place.tagName === "DETAILS") place.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  // What is not seen has a guessed height until it is laid out: once more, when the first layout stands.
  addEventListener("load", () => requestAnimationFrame(reveal));

  addEventListener("beforeprint", () => {
    for (const closed of document.querySelectorAll("details.law, details.evidence")) closed.open = true;
  });
})();
