(() => {
  const reader = document.getElementById("reader");
  if (!reader) return;
  const details = document.getElementById("details");
  const where = document.getElementById("where");
  const changes = [...reader.querySelectorAll(".t.changed")];
  const make = (name, text, style) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (style) element.className = style;
    return element;
  };

  /* The details of a token: built from text alone, placed inside the window. */
  let shown = null;
  const row = (text, chance, drawn) => {
    const line = make("tr", "", drawn ? "drawn" : "");
    const name = make("th", "");
    name.scope = "row";
    name.append(make("bdi", text));
    line.append(name, make("td", chance));
    return line;
  };
  const fill = (token) => {
    const head = make("p", "", "head");
    const copy = make("bdi", "");
    copy.append(...[...(token.querySelector(".swap") ?? token).childNodes].map((node) => node.cloneNode(true)));
    head.append(copy);
    details.replaceChildren(head, make("p", token.dataset.p ? `probability ${token.dataset.p}` : "not scored"));
    if (!token.dataset.v) return;
    details.append(make("p", reader.querySelector(`[data-verdict="${token.dataset.v}"] .what`).textContent, "fate"));
    const alternatives = JSON.parse(token.dataset.a);
    if (!alternatives.length) return;
    const table = make("table", "");
    table.append(make("caption", "likeliest here, to the model"));
    for (const [word, chance, drawn] of alternatives) table.append(row(word, chance, drawn));
    details.append(table);
  };
  const place = (token) => {
    const box = token.getClientRects()[0] ?? token.getBoundingClientRect();
    const width = details.offsetWidth, height = details.offsetHeight;
    const left = Math.max(12, Math.min(box.left, document.documentElement.clientWidth - width - 12));
    const below = box.bottom + 8 + height < innerHeight || box.top < height + 8;
    details.style.left = `${left + scrollX}px`;
    details.style.top = `${(below ? box.bottom + 8 : box.top - height - 8) + scrollY}px`;
  };
  const show = (token) => {
    if (shown === token) return;
    hide();
    fill(token);
    details.hidden = false;
    place(token);
    token.classList.add("current");
    token.setAttribute("aria-describedby", "details");
    shown = token;
  };
  const hide = () => {
    if (!shown) return;
    shown.classList.remove("current");
    shown.removeAttribute("aria-describedby");
    details.hidden = true;
    shown = null;
  };

  /* Pointing waits a moment on tokens that were not picked, so that reading with the mouse stays calm. */
  let waiting = 0;
  const token = (event) => (event.target instanceof Element ? event.target.closest(".t") : null);
  reader.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    clearTimeout(waiting);
    const found = token(event);
    if (found) waiting = setTimeout(show, found.dataset.v ? 60 : 350, found);
  });
  reader.addEventListener("pointerout", (event) => {
    if (event.pointerType === "touch" || details.contains(event.relatedTarget)) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (!details.matches(":hover") && shown !== document.activeElement) hide(); }, 200);
  });
  details.addEventListener("pointerleave", () => { if (shown !== document.activeElement) hide(); });
  document.addEventListener("click", (event) => {
    const found = token(event);
    if (found) show(found);
    else if (!details.contains(event.target) && !event.target.closest(".jump")) hide();
  });
  reader.addEventListener("focusin", (event) => { if (event.target.matches(".t")) show(event.target); });
  reader.addEventListener("focusout", (event) => { if (event.target === shown) hide(); });

  /* One tab stop for each document; arrows step through its picked tokens, n and p through all changes. */
  const focus = (found) => {
    const text = found.closest(".text");
    text.querySelector('.t[tabindex="0"]')?.setAttribute("tabindex", "-1");
    found.setAttribute("tabindex", "0");
    found.scrollIntoView({ block: "center", behavior: "instant" });
    found.focus({ preventScroll: true });
  };
  const tell = () => {
    const at = changes.indexOf(document.activeElement);
    where.textContent = at < 0 ? `${changes.length} changes` : `${at + 1} of ${changes.length}`;
  };
  const jump = (step) => {
    if (!changes.length) return;
    const from = document.activeElement?.closest?.(".t") ?? last;
    let at = changes.indexOf(from);
    if (at < 0 && from) at = changes.findIndex((change) => from.compareDocumentPosition(change) & 4) - (step > 0 ? 1 : 0);
    focus(changes[(at + step + changes.length) % changes.length]);
  };
  let last = null;
  reader.addEventListener("focusin", (event) => {
    if (event.target.matches(".t")) last = event.target;
    tell();
  });
  document.getElementById("next").addEventListener("click", () => jump(1));
  document.getElementById("previous").addEventListener("click", () => jump(-1));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") hide();
    const keys = document.getElementById("keys").checked;
    if (keys && event.key === "n") jump(1);
    if (keys && event.key === "p") jump(-1);
    const arrow = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const here = document.activeElement;
    if (!arrow || !here.matches(".t")) return;
    const stops = [...here.closest(".text").querySelectorAll(".t[tabindex]")].filter((stop) => stop.getClientRects().length);
    const next = stops[stops.indexOf(here) + arrow];
    if (next) focus(next);
    event.preventDefault();
  });

  for (const choice of reader.querySelectorAll('[name="show"]')) {
    choice.addEventListener("change", () => { reader.dataset.show = choice.value; hide(); });
  }
  const unchanged = reader.querySelectorAll("[data-unchanged]").length;
  document.getElementById("hidden").textContent = unchanged ? `Documents that are not shown here because nothing was changed in them: ${unchanged}.` : "";
  tell();
})();
