import Testing

@testable import Terminal

@Suite struct LiveTests {
    @Test func `bars show share, amount, rate and time left`() {
        let recorder = Recorder(columns: 100)
        let region = LiveRegion(recorder.console(), animated: false)
        let row = region.row("north")
        row.progress(0, of: 2000, .count("steps"))
        for second in 1...10 {
            recorder.advance(.seconds(1))
            row.progress(second * 100, of: 2000, .count("steps"), note: "loss 2.31")
        }
        var screen = Screen()
        screen.feed(recorder.takeErrors())
        #expect(
            screen.lines == [
                "⠋ north  ━━━━━━━━━━━━────────────  50 %  1,000/2,000 steps  100/s  10 s left  loss 2.31", "",
            ])
        row.finish("2,000 steps")
        recorder.advance(.seconds(100))
        region.tick()
        screen.feed(recorder.takeErrors())
        #expect(screen.lines == ["✓ north  2,000 steps (10 s)", ""])
    }

    @Test func `rows are redrawn in place and logs stay above them`() {
        let recorder = Recorder(columns: 60)
        let region = LiveRegion(recorder.console(), animated: false)
        let north = region.row("north")
        let south = region.row("southern")
        recorder.advance(.seconds(1))
        north.status("starting postgres")
        region.log("north: a note")
        recorder.advance(.milliseconds(200))
        south.progress(5 << 20, of: 10 << 20, .bytes)
        north.finish("ready")
        south.fail("no space left")
        region.close()
        south.status("ignored")
        var screen = Screen()
        screen.feed(recorder.takeErrors())
        #expect(
            screen.lines == ["north: a note", "✓ north     ready (1.2 s)", "✗ southern  no space left (1.2 s)", ""])
    }

    @Test func `updates that come too fast are drawn once`() {
        let recorder = Recorder(columns: 80)
        let region = LiveRegion(recorder.console(), animated: false)
        let row = region.row("load")
        _ = recorder.takeErrors()
        for done in 0..<1000 { row.progress(done, of: 1000) }
        #expect(recorder.takeErrors() == "")
        recorder.advance(LiveRegion.frameTime)
        row.progress(1000, of: 1000)
        #expect(recorder.takeErrors().contains("100 %  1,000/1,000"))
    }

    @Test(arguments: 1...120)
    func `no drawn line is wider than the terminal`(columns: Int) {
        let recorder = Recorder(columns: columns)
        let region = LiveRegion(recorder.console(), animated: false)
        let row = region.row("日本 hospital with a long name")
        recorder.advance(.seconds(2))
        row.progress(123_456, of: 1_000_000, .count("lines"), note: "and a note")
        region.row("other").status("waiting for something that takes long to describe")
        region.close()
        var screen = Screen()
        screen.feed(recorder.takeErrors())
        #expect(screen.lines.allSatisfy { displayWidth($0) < max(columns, 2) }, "\(screen.text)")
    }

    @Test func `a region taller than the terminal is cut until it closes`() {
        let recorder = Recorder(columns: 40, rows: 5)
        let region = LiveRegion(recorder.console(), animated: false)
        for number in 0..<10 { region.row("site \(number)").status("up") }
        recorder.advance(LiveRegion.frameTime)
        region.tick()
        var screen = Screen()
        screen.feed(recorder.takeErrors())
        #expect(screen.lines.count == 5)
        #expect(screen.lines[3] == "… and 7 more")
        region.close()
        screen.feed(recorder.takeErrors())
        #expect(screen.lines.count == 11)
    }

    @Test func `in a pipe there are plain lines at sensible intervals`() {
        let recorder = Recorder()
        let region = LiveRegion(recorder.console(), animated: false)
        let row = region.row("north")
        row.status("starting")
        row.status("starting")
        for step in 1...2000 {
            recorder.advance(.milliseconds(10))
            row.progress(step, of: 2000, .count("steps"))
        }
        row.finish("trained")
        row.status("ignored")
        region.log("done")
        region.close()
        #expect(
            recorder.takeErrors() == """
                north: starting
                north: 10 %, 200/2,000 steps, 100/s, 18 s left
                north: 20 %, 400/2,000 steps, 100/s, 16 s left
                north: 30 %, 600/2,000 steps, 100/s, 14 s left
                north: 40 %, 800/2,000 steps, 100/s, 12 s left
                north: 50 %, 1,000/2,000 steps, 100/s, 10 s left
                north: 60 %, 1,200/2,000 steps, 100/s, 8.0 s left
                north: 70 %, 1,400/2,000 steps, 100/s, 6.0 s left
                north: 80 %, 1,600/2,000 steps, 100/s, 4.0 s left
                north: 90 %, 1,800/2,000 steps, 100/s, 2.0 s left
                north: 100 %, 2,000/2,000 steps, 100/s
                north: trained (20 s)
                done

                """)
    }

    @Test func `a slow row in a pipe still speaks`() {
        let recorder = Recorder()
        let row = LiveRegion(recorder.console(), animated: false).row("south")
        for _ in 0..<61 {
            row.progress(1, of: nil, .bytes)
            recorder.advance(.seconds(1))
        }
        #expect(recorder.takeErrors().split(separator: "\n").count == 7)
    }

    @Test func `a rate follows the last seconds`() {
        var meter = RateMeter()
        #expect(meter.perSecond == nil)
        for second in 0...100 { meter.add(second * 10, at: .seconds(second)) }
        #expect(meter.perSecond == 10)
        for second in 101...120 { meter.add(1000 + (second - 100) * 50, at: .seconds(second)) }
        #expect(meter.perSecond == 50, "the old rate is forgotten")
        #expect(meter.left(of: 2500) == .seconds(10))
        meter.add(3, at: .seconds(121))
        #expect(meter.perSecond == nil, "going back starts again")
    }
}
