// Runs before the first paint (a plain script in <head>): the player's theme, dark unless they chose light.
try {
  const theme = localStorage.getItem("stocking.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the dark theme of the markup stands.
}
document.documentElement.classList.add("js");
