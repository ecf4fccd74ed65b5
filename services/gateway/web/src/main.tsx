import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import "./app/base.css";
import "./app/print.css";
import { sweepNobodys } from "./habits/owner";
import { preferences } from "./habits/preferences";
import { giveNonceToStyles } from "./theme/nonce";
import { paint } from "./theme/ThemeProvider";

giveNonceToStyles();
sweepNobodys();
const wanted = preferences().theme;
paint(wanted === "auto" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : wanted);

// After an upgrade the pieces of the old page are gone: the new page is read, once; drafts are in the browser.
const RELOADED = "kam.reloaded";
addEventListener("vite:preloadError", event => {
  if (sessionStorage.getItem(RELOADED) !== location.href) {
    sessionStorage.setItem(RELOADED, location.href);
    event.preventDefault();
    location.reload();
  }
});

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
