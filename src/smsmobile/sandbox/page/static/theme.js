// The theme: the system's, or light or dark by choice. A classic script in the head, so that the first paint is right.

(() => {
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  function remembered() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // it is forgotten with the page
    }
  }

  function show(theme) {
    root.dataset.theme = THEMES.includes(theme) ? theme : "system";
  }

  function label(button, t) {
    const theme = t(`theme.${root.dataset.theme}`);
    button.title = theme;
    button.setAttribute("aria-label", t("theme.change", { theme }));
  }

  show(remembered());
  document.addEventListener("DOMContentLoaded", async () => {
    const button = document.getElementById("theme");
    const { t } = await import("./language.js"); // as all modules, loaded by now
    label(button, t);
    button.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
      show(next);
      remember(next);
      label(button, t);
    });
  });
})();
