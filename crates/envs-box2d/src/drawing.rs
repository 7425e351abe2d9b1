//! What both environments' pictures have in common.

use crate::engine::{BodyState, Vector};
use kanrl_render::{Canvas, Color, View};

/// Pixels of a meter.
pub(crate) const SCALE: f64 = 30.0;
/// The picture's size in pixels.
pub(crate) const PIXELS: [u32; 2] = [600, 400];
/// The picture's width and height in m.
pub(crate) const WIDTH: f64 = 600.0 / SCALE;
pub(crate) const HEIGHT: f64 = 400.0 / SCALE;

/// A picture whose left edge is at `left` m.
pub(crate) fn canvas(background: Color, left: f64) -> Canvas {
    let mut canvas = Canvas::new(PIXELS[0], PIXELS[1], background);
    canvas.set_view(View { left, bottom: 0.0, scale: SCALE });
    canvas
}

/// A body's frame seen from the world's.
pub(crate) struct Placement {
    position: Vector,
    sin: f64,
    cos: f64,
}

impl Placement {
    pub(crate) fn new(state: &BodyState) -> Self {
        let (sin, cos) = state.angle().sin_cos();
        Self { position: state.position(), sin, cos }
    }

    /// Where a point of the body is in the world.
    pub(crate) fn point(&self, [x, y]: Vector) -> Vector {
        let Self { position, sin, cos } = self;
        [position[0] + cos * x - sin * y, position[1] + sin * x + cos * y]
    }
}

/// A filled polygon with an outline, given in a body's frame.
pub(crate) fn body(canvas: &mut Canvas, state: &BodyState, outline: &[Vector], [fill, edge]: [Color; 2]) {
    let placement = Placement::new(state);
    let points: Vec<Vector> = outline.iter().map(|point| placement.point(*point)).collect();
    canvas.fill_polygon(&points, fill);
    canvas.stroke_polygon(&points, 1.0, edge);
}

/// The corners of a rectangle around the origin.
pub(crate) fn rectangle([half_width, half_height]: Vector) -> [Vector; 4] {
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]: Vector| [x * half_width, y * half_height])
}

/// A flag of 25 × 10 pixels at a pole of 50 pixels; returns the flag's corners.
pub(crate) fn flag(canvas: &mut Canvas, [x, y]: Vector, pole: Color, color: Color) -> [Vector; 3] {
    let top = y + 50.0 / SCALE;
    canvas.stroke_line(&[[x, y], [x, top]], 1.0, pole);
    let corners = [[x, top], [x, top - 10.0 / SCALE], [x + 25.0 / SCALE, top - 5.0 / SCALE]];
    canvas.fill_polygon(&corners, color);
    corners
}
