//! Gymnasium's picture.

use super::terrain::{HEIGHT, STEP};
use super::world::{Episode, HULL, LEG_PARTS, ray_end};
use crate::drawing::{WIDTH, body, canvas, flag, rectangle};
use kanrl_core::environment::Frame;
use kanrl_render::{Canvas, Color};

const SKY: Color = [215, 215, 255];
const CLOUD: Color = [255; 3];
const SOIL: Color = [102, 153, 76];
const GRASS: [Color; 2] = [[76, 255, 76], [76, 204, 76]];
const OBSTACLE: [Color; 2] = [[255; 3], [153; 3]];
const RAY: Color = [255, 0, 0];
const LEGS: [[Color; 2]; 2] = [[[178, 101, 152], [127, 76, 101]], [[128, 51, 102], [77, 26, 51]]];
const BODY: [Color; 2] = [[127, 51, 229], [76, 76, 127]];
const FLAG: Color = [230, 51, 0];
const BLACK: Color = [0; 3];

/// `frame` counts the pictures: one ray of the lidar is shown at a time, on 20 pictures of 100.
pub(super) fn draw(episode: &Episode, frame: usize) -> Frame {
    let hull = episode.world.state(episode.hull);
    let scroll = hull.position()[0] - WIDTH / 5.0;
    let left = scroll.max(0.0);
    let mut canvas = canvas(SKY, left);
    for cloud in &episode.terrain.clouds {
        // Half as fast as the ground: they are far away.
        canvas.fill_polygon(&cloud.map(|[x, y]| [x + scroll / 2.0, y]), CLOUD);
    }
    draw_ground(&mut canvas, episode, left);

    let rays = episode.lidar.len();
    if frame < 2 * rays {
        let ray = frame.min(2 * rays - 1 - frame);
        let (from, to) = (hull.position(), ray_end(hull.position(), ray));
        let hit = [0, 1].map(|axis| from[axis] + episode.lidar[ray] * (to[axis] - from[axis]));
        canvas.stroke_line(&[from, hit], 1.0, RAY);
    }
    for obstacle in &episode.terrain.obstacles {
        canvas.fill_polygon(obstacle, OBSTACLE[0]);
        canvas.stroke_polygon(obstacle, 1.0, OBSTACLE[1]);
    }
    for (leg, colors) in episode.legs.iter().zip(LEGS) {
        for (part, size) in [leg.upper, leg.lower].into_iter().zip(LEG_PARTS) {
            body(&mut canvas, &episode.world.state(part), &rectangle(size), colors);
        }
    }
    body(&mut canvas, &hull, &HULL, BODY);
    let corners = flag(&mut canvas, [3.0 * STEP, HEIGHT], BLACK, FLAG);
    canvas.stroke_polygon(&corners, 1.0, BLACK);
    canvas.into_frame()
}

fn draw_ground(canvas: &mut Canvas, episode: &Episode, left: f64) {
    let points = &episode.terrain.points;
    let mut soil = points.clone();
    soil.extend([[points[points.len() - 1][0], 0.0], [0.0, 0.0]]);
    canvas.fill_polygon(&soil, SOIL);
    for (index, edge) in points.windows(2).enumerate() {
        if edge[1][0] >= left && edge[0][0] <= left + WIDTH {
            canvas.stroke_line(edge, 1.0, GRASS[index % 2]);
        }
    }
}
