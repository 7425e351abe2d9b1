use kanrl_core::environment::Frame;

/// A frame as a PNG file.
///
/// # Panics
/// If the frame's bytes do not fit its size.
pub fn encode_png(frame: &Frame) -> Vec<u8> {
    let mut file = Vec::new();
    let size = |side: usize| u32::try_from(side).expect("a picture that fits in memory");
    let mut encoder = png::Encoder::new(&mut file, size(frame.width), size(frame.height));
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("writing to memory");
    writer.write_image_data(&frame.rgb).expect("height × width × 3 bytes");
    writer.finish().expect("writing to memory");
    file
}
