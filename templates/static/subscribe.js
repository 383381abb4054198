// Puts the address of a calendar together from choices. Without a script the table has every address.
(() => {
  "use strict";
  const form = document.getElementById("choose");
  if (!form) return;
  const [scope, chance, alarm, address, open, copy, copied] =
    ["scope", "chance", "alarm", "address", "open", "copy", "copied"].map((id) => document.getElementById(id));

  function show() {
    const name = `${scope.value}${chance.value}${alarm.checked ? "-alarm" : ""}.ics`;
    const found = new URL(`${form.dataset.folder}/${name}`, location.href).href;
    address.value = found;
    // a calendar program takes this scheme; a folder on a disk has no address to subscribe to
    open.hidden = !found.startsWith("http");
    open.href = found.replace(/^https?:/, "webcal:");
    copied.textContent = "";
  }

  copy.addEventListener("click", async () => {
    address.select();
    try {
      await navigator.clipboard.writeText(address.value);
    } catch {
      document.execCommand("copy");  // without https a page has no clipboard
    }
    copied.textContent = form.dataset.copied;
  });
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  const asked = location.hash.slice(1);
  if ([...scope.options].some((each) => each.value === asked)) scope.value = asked;
  form.hidden = false;
  show();
})();
