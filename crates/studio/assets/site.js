// The static site: thumbnails, and the pages of results.

import { frozenPage } from "./frozen.js";
import { drawThumbnail } from "./thumbnail.js";

const data = document.getElementById("frozen");
if (data) frozenPage(document.getElementById("page"), JSON.parse(data.textContent));
for (const canvas of document.querySelectorAll("canvas[data-environment]")) drawThumbnail(canvas, canvas.dataset.environment);
