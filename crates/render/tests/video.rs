//! Videos hold what was put in, and play in a browser.
#![cfg(feature = "video")]

mod browser;

use kanrl_core::environment::Frame;
use kanrl_render::video::{Format, VideoError, Writer};
use kanrl_render::{Canvas, text};

/// A ball that rolls to the right.
fn frame(width: u32, height: u32, index: u32, count: u32) -> Frame {
    let mut canvas = Canvas::new(width, height, [255; 3]);
    let x = f64::from(width) * (f64::from(index) + 0.5) / f64::from(count);
    canvas.fill_circle([x, f64::from(height) / 2.0], f64::from(height) / 5.0, [202, 152, 101]);
    canvas.stroke_line(&[[0.0, f64::from(height) / 4.0], [f64::from(width), f64::from(height) / 4.0]], 2.0, [0; 3]);
    let mut frame = canvas.into_frame();
    text::caption(&mut frame, &[format!("frame {index}"), "push left".to_owned()]);
    frame
}

fn video(format: Format, (width, height): (u32, u32), frames_per_second: u32, count: u32) -> Vec<u8> {
    let mut writer = Writer::new(format, width as usize, height as usize, frames_per_second).expect("a small video");
    for index in 0..count {
        writer.push(&frame(width, height, index, count)).expect("a frame of the right size");
    }
    writer.finish().expect("some frames")
}

/// Names of the boxes on the top level of an MP4 file.
fn boxes(file: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = file;
    while rest.len() >= 8 {
        let (length, name) = (u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize, &rest[4..8]);
        names.push(String::from_utf8_lossy(name).into_owned());
        rest = &rest[length.clamp(8, rest.len())..];
    }
    names
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(video(format, (64, 48), 30, 12), video(format, (64, 48), 30, 12), "{format:?}");
    }
}

#[test]
fn an_mp4_file_has_its_index_first() {
    let names = boxes(&video(Format::Mp4, (64, 48), 30, 10));
    let place = |name: &str| names.iter().position(|found| found == name).expect(name);
    assert!(place("moov") < place("mdat"), "{names:?}");
}

#[test]
fn an_animated_png_holds_every_pixel() {
    let file = video(Format::Apng, (64, 48), 25, 7);
    let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().expect("a PNG file");
    let control = reader.info().animation_control.expect("an animation");
    assert_eq!((control.num_frames, control.num_plays), (7, 0));
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
    for index in 0..7 {
        reader.next_frame(&mut pixels).expect("seven frames");
        assert_eq!(pixels, frame(64, 48, index, 7).rgb, "frame {index}");
        let delay = reader.info().frame_control.expect("an animation");
        assert_eq!((delay.delay_num, delay.delay_den), (1, 25));
    }
    assert!(reader.next_frame(&mut pixels).is_err(), "no eighth frame");
}

#[test]
fn a_gif_keeps_the_time() {
    for (frames_per_second, count) in [(30, 45), (50, 20), (15, 10), (120, 120), (1, 2)] {
        let file = video(Format::Gif, (32, 24), frames_per_second, count);
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(&file[..]).expect("a GIF file");
        let mut hundredths = 0;
        while let Some(picture) = decoder.read_next_frame().expect("whole frames") {
            assert!(picture.delay >= 2, "browsers slow shorter frames down");
            hundredths += i64::from(picture.delay);
        }
        let expected = i64::from(count) * 100 / i64::from(frames_per_second);
        assert!((hundredths - expected).abs() <= 2, "{frames_per_second} fps: {hundredths} instead of {expected}");
    }
}

#[test]
fn bad_input_gets_a_clear_error() {
    assert!(matches!(Writer::new(Format::Mp4, 0, 48, 30), Err(VideoError::BadShape { .. })));
    assert!(matches!(Writer::new(Format::Gif, 64, 48, 0), Err(VideoError::BadShape { .. })));
    for format in Format::ALL {
        assert!(matches!(Writer::new(format, 64, 48, 30).expect("fine").finish(), Err(VideoError::Empty)));
        let mut writer = Writer::new(format, 64, 48, 30).expect("fine");
        let error = writer.push(&frame(48, 64, 0, 1)).expect_err("another size");
        assert_eq!(error.to_string(), "the video is 64×48, the frame 48×64 with 9216 bytes");
        let short = Frame { width: 64, height: 48, rgb: vec![0; 5] };
        assert!(matches!(writer.push(&short), Err(VideoError::WrongSize { .. })));
    }
}

#[test]
fn mp4_plays_in_a_browser() {
    // Odd sides become even ones.
    for ((width, height), (shown_width, shown_height), frames_per_second, count) in
        [((600, 400), (600, 400), 50, 100), ((501, 333), (502, 334), 15, 30)]
    {
        let file = video(Format::Mp4, (width, height), frames_per_second, count);
        let Some(seen) = browser::play(&file) else { return };
        println!("{} bytes: {seen:?}", file.len());
        assert_eq!((seen.width, seen.height), (shown_width, shown_height));
        let seconds = f64::from(count) / f64::from(frames_per_second);
        assert!((seen.duration - seconds).abs() < 0.05, "{seen:?}, expected {seconds} s");
        assert!(seen.played > 0.2, "it plays by itself: {seen:?}");
        assert!(seen.changed_pixels > 1000, "its frames differ: {seen:?}");
        // The background is white but for rounding, wherever the ball is not.
        assert!(seen.corner.iter().all(|value| *value >= 250), "its colors are right: {seen:?}");
    }
}
