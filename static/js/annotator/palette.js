/**
 * Class colours that people with any colour vision can tell apart: Okabe and Ito's eight (black left out, too dark on
 * pictures) and then Paul Tol's light and bright schemes. Beyond that they repeat, and the label's text tells.
 */
export const PALETTE = [
  "#56b4e9", "#e69f00", "#2bd4a0", "#f0e442", "#ff8a5b", "#cc79a7", "#4d8dff", "#bbcc33", "#ee8866", "#99ddff",
  "#ffaabb", "#aaaa00", "#c7a6ff", "#dddddd", "#44bb99", "#ff6f91",
];

const HEX = /^#[0-9a-f]{6}$/i;

/** The server's colour where it gives one, else by the class' place in the list. */
export function colorFor(index, given) {
  return HEX.test(given ?? "") ? given : PALETTE[((index % PALETTE.length) + PALETTE.length) % PALETTE.length];
}

/** Black or white, whichever reads better on the colour. */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16) / 255);
  return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2 > 0.2 ? "#000" : "#fff";
}
