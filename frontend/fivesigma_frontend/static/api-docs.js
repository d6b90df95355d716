// Starts Swagger UI (a classic script that ran before this module). Calls that one tries use the
// browser's own log-in; the header proves that they come from this page.
const place = document.getElementById("swagger");
const { openapi, csrf } = place.dataset;

function setTheme() {
  let chosen = null;
  try {
    chosen = localStorage.getItem("fivesigma-theme");
  } catch {
    // storage may be forbidden
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark-mode", dark);
}

setTheme();
window.SwaggerUIBundle({
  url: openapi,
  domNode: place,
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor(request) {
    const own = new URL(request.url, location.href).origin === location.origin;
    if (own && !request.headers.Authorization) request.headers["X-CSRF-Token"] = csrf;
    return request;
  },
});
