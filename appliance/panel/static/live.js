// Puts the sections that have changed in the place of the old ones. Without this script the page loads itself anew.
"use strict";

(() => {
  const lost = document.getElementById("lost");
  const SILENCE = 12000; // ms; the server gives a sign of life every five seconds
  let heard = Date.now();
  let source = null;

  function put(name, html) {
    const section = document.getElementById(name);
    if (!section) return;
    // Whoever works with the keyboard stays where he is, and what was opened stays open.
    const focused = section.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...section.querySelectorAll("details[open]")].map((one) => one.id);
    const scrolled = section.querySelector(".scroll")?.scrollTop ?? 0;
    section.innerHTML = html;
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    const scroll = section.querySelector(".scroll");
    if (scroll) scroll.scrollTop = scrolled;
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  function follow() {
    source = new EventSource("live");
    source.addEventListener("sections", (event) => {
      alive();
      Object.entries(JSON.parse(event.data)).forEach(([name, html]) => put(name, html));
      document.documentElement.dataset.live = "yes";
    });
    source.addEventListener("alive", alive);
    source.onerror = () => {
      // EventSource tries again by itself, unless it was refused: then the login has ended, or too many follow.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
    };
  }

  function alive() {
    heard = Date.now();
    lost.hidden = true;
  }

  // What was done is said once, and not for as long as the page is open.
  setTimeout(() => document.querySelectorAll(".said[role=status]").forEach((said) => said.remove()), 20000);

  follow();
  setInterval(() => {
    if (Date.now() - heard < SILENCE) return;
    lost.hidden = false;
    if (source.readyState !== EventSource.OPEN) {
      source.close();
      follow();
    }
  }, 2000);
})();
