// Return each element whose text is cut off or leaves its box, with why and the text.
() => {
  const found = [];
  const name = (element) => [element.tagName.toLowerCase(), element.id, ...element.classList].join(" ");
  const UNSEEN = ".spoken, .unseen, .skip, [hidden], option, script, style, noscript, title";
  const spoken = (element) => element.closest(UNSEEN);
  const say = (element, why, text) =>
    found.push(`${name(element)}: ${why}: ${text.trim().slice(0, 60)}`);
  const pen = document.createElement("canvas").getContext("2d");
  const wide = (element, text) => {
    const style = getComputedStyle(element);
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return pen.measureText(text).width;
  };
  const room = (element) => {
    const style = getComputedStyle(element);
    return element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || spoken(parent) || parent.closest("svg, textarea")) continue;
    if (!parent.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const word = /^\s*[A-Za-z]+\s*$/.test(node.data);
    if (word && range.getClientRects().length > 1) say(parent, "a word is broken", node.data);
    for (const box of range.getClientRects()) {
      if (!box.width) continue;
      for (let above = parent; above && above !== document.body; above = above.parentElement) {
        const style = getComputedStyle(above);
        const edge = above.getBoundingClientRect();
        if (style.display === "inline" || style.display === "contents") continue;
        const cutX = ["hidden", "clip"].includes(style.overflowX);
        const cutY = ["hidden", "clip"].includes(style.overflowY);
        const beside = box.right > edge.right + 1.5 || box.left < edge.left - 1.5;
        const beyond = box.bottom > edge.bottom + 2 || box.top < edge.top - 2;
        if (cutX && beside) say(above, "cut at a side", node.data);
        if (cutY && beyond) say(above, "cut above or below", node.data);
        if (["auto", "scroll"].includes(style.overflowX)) break;
        if (!cutX && above === parent && beside) say(above, "wider than its box", node.data);
      }
    }
  }
  const OTHERS = "[type=hidden], [type=range], [type=checkbox], [type=radio], [type=file]";
  for (const field of document.querySelectorAll(`input:not(${OTHERS}), textarea, select`)) {
    if (!field.checkVisibility() || spoken(field)) continue;
    if (field.tagName === "SELECT") {
      for (const option of field.options) {
        const text = option.textContent.trim();
        const arrow = 12;
        if (wide(field, text) > room(field) - arrow) say(field, "a choice is too wide", text);
      }
    } else if (field.tagName === "TEXTAREA") {
      const text = field.value || field.placeholder;
      const lines = Math.ceil(wide(field, text) / room(field) - 0.01);
      const high = parseFloat(getComputedStyle(field).lineHeight) * lines;
      if (!field.value && high > field.clientHeight + 2) say(field, "the hint is too long", text);
    } else {
      const text = field.value || field.placeholder;
      if (wide(field, text) > room(field) + 1) say(field, "wider than its field", text);
    }
  }
  for (const cell of document.querySelectorAll(".k")) {
    const parts = [...cell.children].filter((each) => each.checkVisibility()).map((each) => {
      const range = document.createRange();
      range.selectNodeContents(each);
      return range.getBoundingClientRect();
    });
    const over = (one, two) => one.left < two.right - 1 && two.left < one.right - 1
      && one.top + one.height / 4 < two.bottom - two.height / 4
      && two.top + two.height / 4 < one.bottom - one.height / 4; // the ink, not the line
    if (parts.some((one, at) => parts.slice(at + 1).some((two) => over(one, two)))) {
      say(cell, "its parts lie over each other", cell.textContent);
    }
  }
  return [...new Set(found)];
}
