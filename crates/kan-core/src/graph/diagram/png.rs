//! The picture as pixels.

use resvg::{tiny_skia, usvg};

/// An SVG document that cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the diagram cannot be drawn: {reason}")]
pub struct PngError {
    /// What is wrong.
    pub reason: String,
}

/// Draws an SVG document, as [`svg`](super::svg) gives it, with `scale` pixels for each of its units; gives the bytes of
/// a PNG file. Text is set in a typeface that is compiled in, so that the picture is the same on every machine.
///
/// # Errors
/// [`PngError`] for a document that is not an SVG, or a picture of no size or more than 64 million pixels.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, PngError> {
    const LARGEST: f32 = 64e6;
    let bad = |reason: String| PngError { reason };
    let mut options = usvg::Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    // Text without a typeface would be left out without a word.
    let family = fonts.faces().next().and_then(|face| face.families.first()).map(|(name, _)| name.clone());
    if let Some(family) = family {
        fonts.set_sans_serif_family(family);
    }
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| bad(error.to_string()))?;
    let (width, height) = ((tree.size().width() * scale).round(), (tree.size().height() * scale).round());
    if !(width >= 1.0 && height >= 1.0 && width * height <= LARGEST) {
        return Err(bad(format!("invalid image size {width} × {height}")));
    }
    let mut pixels = tiny_skia::Pixmap::new(width as u32, height as u32)
        .ok_or_else(|| bad(format!("invalid image size {width} × {height}")))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| bad(error.to_string()))
}
