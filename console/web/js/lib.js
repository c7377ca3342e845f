// The page's libraries under one name, so that a new version changes one file.
import { Component, Fragment, h, render } from "../vendor/preact-10.29.8/preact.mjs";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-10.29.8/hooks.mjs";
import htm from "../vendor/htm-3.1.1/htm.mjs";

export const html = htm.bind(h);
export { Component, Fragment, h, render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState };
