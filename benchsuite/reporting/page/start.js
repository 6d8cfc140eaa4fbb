// Start: the page is usable once `data-ready` is set.

// Reports are laid out one by one while nothing else is to do, all at once before a link is
// followed, so that it lands where it leads.
function layOutArticles() {
  const root = document.documentElement;
  const waiting = [...document.querySelectorAll("article")];
  const all = () => { root.dataset.laid = ""; };
  const next = () => {
    waiting.shift()?.classList.add("laid");
    if (waiting.length && !("laid" in root.dataset)) later(next);
    else all();
  };
  const later = window.requestIdleCallback || setTimeout;
  document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) all(); }, true);
  window.addEventListener("beforeprint", all);
  later(next);
  const linked = document.getElementById(location.hash.slice(1)); // Anchors are plain letters.
  if (!linked) return;
  all();
  linked.scrollIntoView();
}

setUpTheme();
setUpTables();
setUpExplorer();
setUpFigures();
document.documentElement.dataset.ready = Math.round(performance.now());
layOutArticles();
