//! The same view without OpenGL: every geometry as a flat shape, in perspective, far ones first.

use super::{CAMERA, SIZE};
use kanrl_core::environment::Frame;
use kanrl_render::{Canvas, Color, View};
use mujoco_rs::mujoco_c::{_mjtGeomBase as Shape, _mjtObjBase as Kind};
use mujoco_rs::wrappers::{MjData, MjModel};

const SKY: Color = [200, 215, 230];
const GROUND: Color = [186, 191, 197];
const GRID: Color = [165, 171, 178];
/// Meters between the lines on the ground, and how many of them lie on each side of the camera.
const GRID_SPACING: f64 = 1.0;
const GRID_LINES: i32 = 24;
/// Meters before the camera at which lines begin.
const NEAR: f64 = 0.2;

type Vector = [f64; 3];

pub(super) fn draw(data: &MjData<Box<MjModel>>) -> Result<Frame, String> {
    let model = data.model();
    let camera = model.name_to_id(Kind::mjOBJ_CAMERA, CAMERA).ok_or("the model has no camera `track`")?;
    let camera = Camera::new(data, camera);
    let mut canvas = Canvas::new(SIZE as u32, SIZE as u32, SKY);
    // The picture reaches from -1 to 1 in both directions.
    canvas.set_view(View { left: -1.0, bottom: -1.0, scale: SIZE as f64 / 2.0 });
    for (geom, kind) in model.geom_type().iter().enumerate() {
        if *kind == Shape::mjGEOM_PLANE {
            draw_ground(&mut canvas, &camera, data.geom_xpos()[geom][2]);
        }
    }
    let mut bodies: Vec<(f64, usize)> = (0..model.geom_type().len())
        .filter(|geom| model.geom_type()[*geom] != Shape::mjGEOM_PLANE)
        .map(|geom| (camera.see(data.geom_xpos()[geom])[2], geom))
        .collect();
    bodies.sort_by(|left, right| right.0.total_cmp(&left.0));
    for (_, geom) in bodies {
        draw_geometry(&mut canvas, &camera, data, geom);
    }
    Ok(canvas.into_frame())
}

/// Where the camera is and where it looks.
struct Camera {
    position: Vector,
    right: Vector,
    up: Vector,
    forward: Vector,
    /// Half the picture's height over the distance at which it is seen.
    half_height: f64,
}

impl Camera {
    fn new(data: &MjData<Box<MjModel>>, camera: usize) -> Self {
        let axes = data.cam_xmat()[camera];
        let axis = |column: usize, sign: f64| [0, 1, 2].map(|row| sign * axes[3 * row + column]);
        let half_angle = data.model().cam_fovy()[camera].to_radians() / 2.0;
        Self {
            position: data.cam_xpos()[camera],
            right: axis(0, 1.0),
            up: axis(1, 1.0),
            forward: axis(2, -1.0),
            half_height: half_angle.tan(),
        }
    }

    /// A point in the camera's coordinates: to the right, up, and away from it.
    fn see(&self, point: Vector) -> Vector {
        let offset = [0, 1, 2].map(|axis| point[axis] - self.position[axis]);
        let along = |axis: Vector| axis.iter().zip(offset).map(|(axis, offset)| axis * offset).sum();
        [along(self.right), along(self.up), along(self.forward)]
    }

    /// Where a seen point lies in the picture.
    fn project(&self, [right, up, away]: Vector) -> [f64; 2] {
        [right, up].map(|coordinate| coordinate / (away * self.half_height))
    }
}

fn draw_ground(canvas: &mut Canvas, camera: &Camera, height: f64) {
    // The horizon is where lines of sight are level; it is above the picture if the camera looks down steeply.
    let horizon = (-camera.forward[2] / (camera.up[2] * camera.half_height)).clamp(-1.0, 1.0);
    canvas.fill_polygon(&[[-1.0, -1.0], [1.0, -1.0], [1.0, horizon], [-1.0, horizon]], GROUND);
    let nearest = |coordinate: f64| (coordinate / GRID_SPACING).round() * GRID_SPACING;
    let (x, y) = (nearest(camera.position[0]), nearest(camera.position[1]));
    let reach = f64::from(GRID_LINES) * GRID_SPACING;
    for line in -GRID_LINES..=GRID_LINES {
        let offset = f64::from(line) * GRID_SPACING;
        let across = [[x - reach, y + offset, height], [x + reach, y + offset, height]];
        let along = [[x + offset, y - reach, height], [x + offset, y + reach, height]];
        for ends in [across, along] {
            if let Some(ends) = in_front(ends.map(|end| camera.see(end))) {
                canvas.stroke_line(&ends.map(|end| camera.project(end)), 1.0, GRID);
            }
        }
    }
}

/// The part of a seen line that lies before the camera.
fn in_front([start, end]: [Vector; 2]) -> Option<[Vector; 2]> {
    let cut = |inside: Vector, outside: Vector| {
        let part = (NEAR - inside[2]) / (outside[2] - inside[2]);
        [0, 1, 2].map(|axis| inside[axis] + part * (outside[axis] - inside[axis]))
    };
    match (start[2] >= NEAR, end[2] >= NEAR) {
        (true, true) => Some([start, end]),
        (true, false) => Some([start, cut(start, end)]),
        (false, true) => Some([cut(end, start), end]),
        (false, false) => None,
    }
}

fn draw_geometry(canvas: &mut Canvas, camera: &Camera, data: &MjData<Box<MjModel>>, geom: usize) {
    let model = data.model();
    let ([radius, half_length, _], center) = (model.geom_size()[geom], data.geom_xpos()[geom]);
    let long = matches!(model.geom_type()[geom], Shape::mjGEOM_CAPSULE | Shape::mjGEOM_CYLINDER);
    let half_length = if long { half_length } else { 0.0 };
    let axis = [2, 5, 8].map(|entry| data.geom_xmat()[geom][entry]);
    let end = |sign: f64| camera.see([0, 1, 2].map(|row| center[row] + sign * half_length * axis[row]));
    let ends = [end(-1.0), end(1.0)];
    if ends.iter().any(|end| end[2] < NEAR) {
        return;
    }
    let [red, green, blue, _] = model.geom_rgba()[geom];
    let color = [red, green, blue].map(|part| (255.0 * part).round() as u8);
    let edge = color.map(|part| (f32::from(part) * 0.6) as u8);
    let discs = ends.map(|end| (camera.project(end), radius / (end[2] * camera.half_height)));
    for (widened, color) in [(0.008, edge), (0.0, color)] {
        for (center, radius) in discs {
            canvas.fill_circle(center, radius + widened, color);
        }
        canvas.fill_polygon(&side(discs, widened), color);
    }
}

/// The four corners between two discs.
fn side([(start, start_radius), (end, end_radius)]: [([f64; 2], f64); 2], widened: f64) -> [[f64; 2]; 4] {
    let [dx, dy] = [end[0] - start[0], end[1] - start[1]];
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let across = [-dy / length, dx / length];
    let corner = |center: [f64; 2], radius: f64| [0, 1].map(|axis| center[axis] + radius * across[axis]);
    let (start_radius, end_radius) = (start_radius + widened, end_radius + widened);
    [corner(start, start_radius), corner(end, end_radius), corner(end, -end_radius), corner(start, -start_radius)]
}
