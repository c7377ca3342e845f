// The page's libraries under one name, so that a new version changes one file.
import { Component, Fragment, h, render } from "../vendor/preact-10.29.8/preact.mjs";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-10.29.8/hooks.mjs";
import htm from "../vendor/htm-3.1.1/htm.mjs";
import { language } from "./words.js";

export const html = htm.bind(h);

/**
 * A component that is drawn again only when one of its properties is another one, or the page's language (or when its
 * own hooks say so).
 */
export const memo = (draw) =>
  class extends Component {
    shouldComponentUpdate(next) {
      const names = Object.keys(next);
      return this.said !== language() || names.length !== Object.keys(this.props).length || names.some((name) => next[name] !== this.props[name]);
    }

    render(props) {
      this.said = language();
      return h(draw, props);
    }
  };

export { Component, Fragment, h, render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState };
