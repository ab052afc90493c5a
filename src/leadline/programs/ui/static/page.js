// Pages work without this. It narrows lists while one types, takes over what changed, and listens to keys.
document.documentElement.classList.add("scripted");
const policy = globalThis.trustedTypes?.createPolicy("leadline", {createHTML: text => text});
const live = document.getElementById("live");
let asked = 0;

function marked() {
  const one = document.activeElement, box = one?.type === "checkbox";
  return {name: one?.name, value: box ? one.value : null, id: one?.id, href: one?.getAttribute?.("href"), at: box ? null : one?.selectionStart, text: one?.value};
}
function restored(content, was) {
  if (!was.name && !was.href) return;
  const all = [...content.querySelectorAll(was.name ? "input" : "a[href]")];
  const again = all.find(one => was.name ? one.name === was.name && (was.value === null || one.value === was.value) : one.getAttribute("href") === was.href);
  if (!again) return;
  if (was.name && was.value === null) again.value = was.text;
  again.focus({preventScroll: true});
  if (was.at != null && again.setSelectionRange) again.setSelectionRange(was.at, was.at);
}
async function swap(url, push) {
  const mine = ++asked;
  const answer = await fetch(url, {headers: {accept: "text/html"}});
  if (mine !== asked) return;
  if (!answer.ok) { location.assign(url); return; }
  const text = await answer.text();
  // A document of its own: nothing in it runs, and the policy of this page holds for what is taken over.
  const page = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
  const old = document.getElementById("content"), now = page.getElementById("content");
  if (mine !== asked || !now) return;
  const was = old.contains(document.activeElement) ? marked() : {};
  const open = [...old.querySelectorAll("details")].map(one => one.open);
  old.replaceWith(document.adoptNode(now));
  [...now.querySelectorAll("details")].forEach((one, place) => { one.open = open[place] ?? one.open; });
  restored(now, was);
  document.title = page.title;
  if (push) history.pushState(null, "", url);
}
let timer;
addEventListener("input", event => {
  const form = event.target.closest("form[data-live]");
  if (!form) return;
  clearTimeout(timer);
  const chosen = [...new FormData(form)].filter(pair => pair[1]);
  timer = setTimeout(() => swap(`${form.getAttribute("action")}?${new URLSearchParams(chosen)}`, true), 150);
});
addEventListener("popstate", () => swap(location.href, false));
addEventListener("click", event => {
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
    const said = copy.textContent;
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = said; }, 1500);
  });
});
let here = -1;
addEventListener("keydown", event => {
  if (event.target.matches("input,select,textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...document.querySelectorAll(".rows tbody tr, ol.first li")];
  if (event.key === "/") { event.preventDefault(); (document.querySelector(".words input") ?? document.querySelector(".search input")).focus(); }
  if ("jk".includes(event.key) && rows.length) {
    here = Math.max(0, Math.min(rows.length - 1, here + (event.key === "j" ? 1 : -1)));
    document.querySelector(".here")?.classList.remove("here");
    rows[here].classList.add("here");
    rows[here].querySelector("a")?.focus();
  }
  if (event.key === "n") document.querySelector("[rel=next]")?.click();
  if (event.key === "p") document.querySelector("[rel=prev]")?.click();
});
const events = new EventSource(`../pages?watch=true&since=${live.dataset.revision}`);
for (const name of ["changed", "lost"]) events.addEventListener(name, () => { live.textContent = ""; swap(location.href, false); });
events.addEventListener("open", () => { live.textContent = ""; });
events.addEventListener("error", () => { live.textContent = "Not connected: this page may be older than it seems."; });
