(function () {
  "use strict";
  var page = document.documentElement, slides = document.querySelectorAll(".slide"), notes = document.querySelectorAll(".notes");
  var bar = document.querySelector(".progress"), now = -1, from = null;
  function show(wanted, quiet) {
    var next = Math.max(0, Math.min(slides.length - 1, wanted));
    slides.forEach(function (slide, i) { slide.classList.toggle("now", i === next); slide.setAttribute("aria-hidden", String(i !== next)); });
    notes.forEach(function (note, i) { note.classList.toggle("now", i === next); });
    bar.style.width = 100 * (next + 1) / slides.length + "%";
    if (next !== now && !quiet) { history.replaceState(null, "", "#" + (next + 1)); }
    now = next;
  }
  function fit() {
    page.style.setProperty("--scale", Math.min(innerWidth / 1280, innerHeight / 720));
  }
  function asked() { return (parseInt(location.hash.slice(1), 10) || 1) - 1; }
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.target.className === "notes now" && /^(Arrow|Page)(Up|Down)$/.test(event.key)) { return; } // they scroll
    var step = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": event.shiftKey ? -1 : 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }[event.key];
    if (step) { show(now + step); }
    else if (event.key === "Home") { show(0); }
    else if (event.key === "End") { show(slides.length - 1); }
    else if (event.key === "s" || event.key === "S") { page.classList.toggle("telling"); }
    else { return; }
    event.preventDefault();
  });
  document.addEventListener("touchstart", function (event) { from = event.changedTouches[0]; }, { passive: true });
  document.addEventListener("touchend", function (event) {
    if (!from) { return; }
    var moved = event.changedTouches[0].clientX - from.clientX, across = event.changedTouches[0].clientY - from.clientY;
    if (Math.abs(moved) > 40 && Math.abs(moved) > Math.abs(across)) { show(now + (moved < 0 ? 1 : -1)); }
    from = null;
  }, { passive: true });
  addEventListener("resize", fit);
  addEventListener("hashchange", function () { show(asked(), true); });
  page.classList.add("live");
  fit();
  show(asked(), true);
})();
