
// The table of statistics: filter by words and question, sort by any column. Without this script it is whole and plain.
for (const panel of document.querySelectorAll(".panel")) {
  const body = panel.querySelector("tbody");
  const rows = [...body.rows];
  const words = panel.querySelector("input");
  const group = panel.querySelector("select");
  const count = panel.querySelector("output");
  panel.querySelector(".tools").hidden = false;
  const filter = () => {
    const wanted = words.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = (group.value && row.dataset.group !== group.value) || !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length}`;
  };
  words.addEventListener("input", filter);
  group.addEventListener("change", filter);
  filter();
  const heads = [...panel.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const compare = (one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
        const [x, y] = [Number(a), Number(b)];
        const by = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
        return up ? by : -by;
      };
      body.append(...[...body.rows].sort(compare));
    });
  });
}
