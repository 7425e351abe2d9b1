//! Gymnasium's picture. Its flames are particles that it adds to the world, at the price of other results with pictures
//! than without; here they are drawn from the engines' state.

use super::world::{Episode, HELIPAD, HELIPAD_EDGES, LANDER, LEG};
use crate::drawing::{Placement, SCALE, WIDTH, body, canvas, flag, rectangle};
use crate::engine::Vector;
use kanrl_core::environment::Frame;
use kanrl_render::{Canvas, Color};

const SKY: Color = [0; 3];
const GROUND: Color = [255; 3];
const BODY: [Color; 2] = [[128, 102, 230], [77, 77, 128]];
const FLAG: Color = [204, 204, 0];

pub(super) fn draw(episode: &Episode) -> Frame {
    let mut canvas = canvas(SKY, 0.0);
    let mut ground = episode.terrain.to_vec();
    ground.extend([[WIDTH, 0.0], [0.0, 0.0]]);
    canvas.fill_polygon(&ground, GROUND);

    let lander = episode.world.state(episode.lander);
    draw_flames(&mut canvas, episode, &Placement::new(&lander));
    body(&mut canvas, &lander, &LANDER, BODY);
    for leg in episode.legs {
        body(&mut canvas, &episode.world.state(leg), &rectangle(LEG), BODY);
    }
    for x in HELIPAD_EDGES {
        flag(&mut canvas, [x, HELIPAD], GROUND, FLAG);
    }
    canvas.into_frame()
}

fn draw_flames(canvas: &mut Canvas, episode: &Episode, lander: &Placement) {
    let engines = episode.engines;
    if engines.main > 0.0 {
        draw_flame(canvas, lander, [0.0, -10.0 / SCALE], [0.0, -1.0], engines.main, 9);
    }
    if engines.side > 0.0 {
        let away = -engines.direction;
        draw_flame(canvas, lander, [away * 15.0 / SCALE, 14.0 / SCALE], [away, 0.0], engines.side, 5);
    }
}

/// Embers that cool down on their way from `nozzle` along `direction`, both in the lander's frame.
fn draw_flame(
    canvas: &mut Canvas,
    lander: &Placement,
    nozzle: Vector,
    direction: Vector,
    throttle: f64,
    embers: usize,
) {
    for ember in (0..embers).rev() {
        let distance = (2.0 + 4.0 * ember as f64) / SCALE;
        let center = [nozzle[0] + direction[0] * distance, nozzle[1] + direction[1] * distance];
        let heat = throttle * (1.0 - ember as f64 / embers as f64);
        let [red, other] = [0.15 + heat, 0.5 * heat].map(|value| (value.clamp(0.2, 1.0) * 255.0) as u8);
        canvas.fill_circle(lander.point(center), (2.0 + 0.2 * ember as f64) / SCALE, [red, other, other]);
    }
}
