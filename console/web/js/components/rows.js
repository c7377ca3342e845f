// Long lists: only the rows in sight are in the document, with a space for those before and after them.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";

const GUESS_PX = 40;
const SPARE_PX = 500; // drawn beyond the edge of what is seen, so that scrolling meets no gap

/**
 * Draws `count` rows of one height (or, side by side, of one width), as `row(index)` makes them.
 * `look(first, last)` hears what is in sight; `chosen` is an index to keep in sight when it changes. `tag` and
 * `space` are the elements around the rows and in place of those not drawn.
 * @param {{ count: number, row: (index: number) => any, look?: (first: number, last: number) => void,
 *           chosen?: number, tag?: string, space?: string, class?: string }} props
 */
export function Rows({ count, row, look, chosen = -1, tag = "div", space = "div", class: name = "" }) {
  const box = useRef(/** @type {any} */ (null));
  const [shape, setShape] = useState({ step: GUESS_PX, across: false });
  const [[first, last], show] = useState([0, 30]);
  const measured = useRef(false); // rows are of one height until the window is another: asking costs a layout

  const measure = () => {
    if (measured.current) return shape;
    const rows = box.current.querySelectorAll(":scope > [data-row]");
    if (rows.length < 2) return shape;
    const [one, other] = [rows[0].getBoundingClientRect(), rows[1].getBoundingClientRect()];
    const across = other.top < one.bottom - 1 && other.left > one.left;
    const step = across ? other.left - one.left : other.top - one.top;
    if (step < 4) return shape;
    measured.current = true;
    if (Math.abs(step - shape.step) < 0.5 && across === shape.across) return shape;
    setShape({ step, across });
    return { step, across };
  };

  const update = () => {
    if (!box.current?.isConnected) return;
    const { step, across } = measure();
    const whole = box.current.getBoundingClientRect();
    const scroller = across ? box.current.parentElement.getBoundingClientRect() : null;
    const start = scroller ? scroller.left - whole.left : -whole.top;
    const seen = scroller ? scroller.width : innerHeight;
    const from = Math.min(Math.max(0, count - 1), Math.max(0, Math.floor((start - SPARE_PX) / step)));
    const to = Math.max(from, Math.ceil((start + seen + SPARE_PX) / step));
    show((before) => (before[0] === from && before[1] === to ? before : [from, to]));
  };

  useLayoutEffect(update, [count, shape]);
  useEffect(() => look?.(first, last), [first, last, count, look]);
  useEffect(() => {
    let asked = 0;
    const soon = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        update();
      });
    };
    addEventListener("scroll", soon, { capture: true, passive: true }); // whoever scrolls: the page, or a part of it
    const resized = () => {
      measured.current = false;
      soon();
    };
    addEventListener("resize", resized);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", soon, { capture: true });
      removeEventListener("resize", resized);
    };
  }, [count, shape]);

  useEffect(() => {
    if (chosen < 0) return;
    const drawn = box.current.querySelector(`:scope > [data-row="${chosen}"]`);
    if (drawn) drawn.scrollIntoView({ block: "nearest", inline: "nearest" });
    else box.current.parentElement.scrollTo({ [shape.across ? "left" : "top"]: chosen * shape.step });
  }, [chosen]);

  const until = Math.min(count, last + 1);
  const gap = (rows, key) => (rows > 0 ? html`<${space} key=${key} class="rows-space" aria-hidden="true" style=${{ [shape.across ? "width" : "height"]: `${rows * shape.step}px` }} />` : null);
  const drawn = [];
  for (let index = first; index < until; index++) drawn.push(row(index));
  return html`<${tag} ref=${box} class=${name}>${gap(Math.min(first, count), "before")}${drawn}${gap(count - until, "after")}</${tag}>`;
}
