//! Pictures and videos of environments.
//!
//! A [`Canvas`] draws anti-aliased shapes from an environment's state; [`text`] writes on any frame; [`encode_png`],
//! [`terminal`] and [`video`] bring frames out.
//!
//! ```
//! use kanrl_render::{Canvas, View, encode_png};
//!
//! // A ball of radius 0.5 m on the ground, 100 pixels a meter, y upwards.
//! let mut canvas = Canvas::new(200, 100, [255, 255, 255]);
//! canvas.set_view(View { left: 0.0, bottom: 0.0, scale: 100.0 });
//! canvas.fill_circle([1.0, 0.5], 0.5, [204, 77, 77]);
//! let frame = canvas.into_frame();
//! assert_eq!((frame.width, frame.height), (200, 100));
//! assert_eq!(frame.rgb[(50 * 200 + 100) * 3..][..3], [204, 77, 77]);
//! assert!(encode_png(&frame).starts_with(b"\x89PNG"));
//! ```
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
