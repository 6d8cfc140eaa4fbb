// Figures are inflated shortly before they come into view, and all of them before printing.

async function inflateFigure(image) {
  const { packed, type } = image.dataset;
  if (!packed) return;
  image.removeAttribute("data-packed");
  image.src = URL.createObjectURL(new Blob([await inflated(packed)], { type }));
}

function setUpFigures() {
  const images = document.querySelectorAll("img[data-packed]");
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      watch.unobserve(target);
      inflateFigure(target);
    }
  }, { rootMargin: "1500px" });
  images.forEach((image) => watch.observe(image));
  window.addEventListener("beforeprint", () => images.forEach(inflateFigure));
}
