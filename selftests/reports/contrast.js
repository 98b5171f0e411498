// Every piece of visible text whose contrast with what lies under it is below 4.5:1 (3:1 for large text).
(() => {
  const parse = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return {red, green, blue, alpha};
  };
  const light = ({red, green, blue}) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, two) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    for (let place = element; place; place = place.parentElement) {
      const colour = parse(getComputedStyle(place).backgroundColor);
      if (colour.alpha === 1) return colour;
    }
    return {red: 255, green: 255, blue: 255};
  };
  const found = [];
  const judge = (element, colour, under, limit) => {
    const ratio = contrast(colour, under);
    if (ratio < limit) found.push(`${element.tagName}.${element.getAttribute("class")}: ${ratio.toFixed(2)}`);
  };
  let judged = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("svg, script, style")) continue;
    const style = getComputedStyle(element);
    const large = parseFloat(style.fontSize) >= 24;
    judge(element, parse(style.color), ground(element), large ? 3 : 4.5);
    judged += 1;
  }
  const fill = (element) => parse(getComputedStyle(element).fill);
  const stroke = (element) => parse(getComputedStyle(element).stroke);
  for (const label of document.querySelectorAll("svg text")) {
    const odd = label.classList.contains("odd");
    const item = document.querySelector(odd ? ".item.odd" : ".item:not(.odd)");
    judge(label, fill(label), label.classList.contains("item-label") ? fill(item) : ground(label.closest("svg")), 4.5);
    judged += 1;
  }
  for (const line of document.querySelectorAll(".outline, .budget, .bracket, .wrong, .item, .dot, .limit, .own, .span, .measure, .whisker")) {
    judge(line, stroke(line), ground(line.closest("svg")), 3);
  }
  for (const part of document.querySelectorAll(".tally")) {
    judge(part, fill(part), ground(part.closest("svg")), 3);
  }
  for (const part of document.querySelectorAll(".bar > span, .meter > span, .seal")) {
    judge(part, parse(getComputedStyle(part).backgroundColor), ground(part.parentElement), 3);
  }
  return {judged, found};
})()
