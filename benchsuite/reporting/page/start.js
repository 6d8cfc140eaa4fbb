// Start: the page is usable once `data-ready` is set.

setUpTheme();
setUpExplorer();
setUpSearches();
setUpTables();
document.documentElement.dataset.ready = Math.round(performance.now());
document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
