use crate::dynamics::Constants;
use kanrl_core::environment::Frame;
use kanrl_render::{Canvas, Color, View};

const WIDTH: u32 = 600;
const HEIGHT: u32 = 300;
const WHITE: Color = [255, 255, 255];
const GRAY: Color = [120, 120, 120];
const DARK: Color = [40, 44, 52];
const POLES: [Color; 2] = [[204, 153, 102], [90, 130, 200]];

/// The cart on its rail, the long pole behind the short one.
pub(crate) fn draw(state: &[f64; 6], constants: &Constants, rail: f64) -> Frame {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, WHITE);
    let half_width = rail + 0.3;
    let scale = f64::from(WIDTH) / (2.0 * half_width);
    canvas.set_view(View { left: -half_width, bottom: -0.8, scale });
    canvas.stroke_line(&[[-rail, 0.0], [rail, 0.0]], 2.0, GRAY);
    for end in [-rail, rail] {
        canvas.stroke_line(&[[end, -0.08], [end, 0.08]], 2.0, GRAY);
    }
    let x = state[0];
    canvas.fill_polygon(&[[x - 0.25, 0.02], [x + 0.25, 0.02], [x + 0.25, 0.22], [x - 0.25, 0.22]], DARK);
    for ((pole, angle), color) in constants.poles.iter().zip([state[2], state[4]]).zip(POLES) {
        let (sine, cosine) = angle.sin_cos();
        let length = 2.0 * pole.half_length;
        canvas.stroke_line(&[[x, 0.22], [x + length * sine, 0.22 + length * cosine]], 8.0, color);
    }
    canvas.fill_circle([x, 0.22], 0.045, GRAY);
    canvas.into_frame()
}
