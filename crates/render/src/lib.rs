#![doc = include_str!("../README.md")]
//!
//! MP4 and GIF need the feature `video`, which builds a C++ library; APNG does not.

mod canvas;
mod image;
pub mod terminal;
pub mod text;
pub mod video;

pub use canvas::{Canvas, View};
pub use image::encode_png;

/// Red, green and blue.
pub type Color = [u8; 3];
