//! The functions of `cpp/engine.cpp`.
//!
//! For all of them: a world comes from [`box2d_world_new`] and has not been deleted, bodies and joints are indices that
//! the same world has given out, and pointers point to as many values as the function reads or writes.

use super::{BodyState, JointDefinition};

/// A world on the C++ side.
#[repr(C)]
pub struct RawWorld {
    _private: [u8; 0],
}

// SAFETY: the signatures are those of the functions in `cpp/`.
unsafe extern "C" {
    pub fn box2d_world_new(gravity: f32) -> *mut RawWorld;
    pub fn box2d_world_delete(world: *mut RawWorld);
    pub fn box2d_add_body(world: *mut RawWorld, moving: bool, x: f32, y: f32, angle: f32) -> u32;
    pub fn box2d_add_edge(world: *mut RawWorld, body: u32, points: *const [[f32; 2]; 2], friction: f32);
    pub fn box2d_add_rectangle(
        world: *mut RawWorld,
        body: u32,
        half_width: f32,
        half_height: f32,
        density: f32,
        friction: f32,
    );
    /// `points` holds `count` (3 to 8) pairs.
    pub fn box2d_add_polygon(
        world: *mut RawWorld,
        body: u32,
        points: *const [f32; 2],
        count: i32,
        density: f32,
        friction: f32,
    );
    pub fn box2d_add_joint(world: *mut RawWorld, definition: *const JointDefinition) -> u32;
    pub fn box2d_step(world: *mut RawWorld, time_step: f32, velocity_iterations: i32, position_iterations: i32);
    pub fn box2d_set_gravity(world: *mut RawWorld, gravity: f32);
    pub fn box2d_set_density(world: *mut RawWorld, body: u32, density: f32);
    pub fn box2d_apply_force(world: *mut RawWorld, body: u32, x: f32, y: f32);
    pub fn box2d_apply_torque(world: *mut RawWorld, body: u32, torque: f32);
    pub fn box2d_apply_impulse(world: *mut RawWorld, body: u32, impulse: *const [f32; 2], point: *const [f32; 2]);
    pub fn box2d_set_motor(world: *mut RawWorld, joint: u32, speed: f32, maximum_torque: f32);
    pub fn box2d_joint_state(world: *const RawWorld, joint: u32, angle_and_speed: *mut [f32; 2]);
    pub fn box2d_body_state(world: *const RawWorld, body: u32, state: *mut BodyState);
    pub fn box2d_touching(world: *const RawWorld, body: u32) -> bool;
    pub fn box2d_touched(world: *const RawWorld, body: u32) -> bool;
    pub fn box2d_ray_cast(world: *const RawWorld, from: *const [f32; 2], to: *const [f32; 2]) -> f32;
}
