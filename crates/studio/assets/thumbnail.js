// A small picture of an environment: drawn here where the page knows how, or by the server.

import { h } from "./page.js";
import { classic } from "./classic.js";
import { Pen } from "./player.js";

/** States that look like the game. */
const POSES = {
  "CartPole-v1": [[0.3, 0, 0.14, 0], null, [2.3, 350, 250]],
  "MountainCar-v0": [[-0.1, 0], null, [1, 300, 200]],
  "MountainCarContinuous-v0": [[0.1, 0], null, [1, 300, 200]],
  "Acrobot-v1": [[2.2, 0.7, 0, 0], null, [1.5, 270, 210]],
  "Pendulum-v1": [[0.5, 0], [1.2], [2, 240, 220]],
};

/** An element with the picture; empty where there is none. */
export function thumbnail(id) {
  const pose = POSES[id];
  if (!pose) {
    const image = h("img", { class: "thumbnail", src: `/api/environments/${encodeURIComponent(id)}/picture.png`, alt: "", loading: "lazy", width: "84", height: "56" });
    image.addEventListener("error", () => image.remove());
    return image;
  }
  const canvas = h("canvas", { class: "thumbnail", "aria-hidden": "true" });
  requestAnimationFrame(() => drawThumbnail(canvas, id));
  return canvas;
}

/** Draws the picture where the page knows how, and leaves the canvas out where it does not. */
export function drawThumbnail(canvas, id) {
  const pose = POSES[id];
  if (!pose) return canvas.remove();
  const draw = () => canvas.isConnected && classic[id].draw(new Pen(canvas, classic[id].shape, pose[2]), pose[0], pose[1]);
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
