import Testing

@testable import Terminal

@Suite struct LayoutTests {
    private var table: Table {
        var table = Table(.text("SITE"), .number("EDGES"), .text("NOTE"))
        table.add("north", "1,234", "short")
        table.add("south-west-hospital", "7", "a rather long remark about this site", emphasis: .good)
        return table
    }

    @Test func `a table is as wide as it needs in a pipe`() {
        #expect(
            table.lines(width: nil) == [
                "SITE                 EDGES  NOTE", "north                1,234  short",
                "south-west-hospital      7  a rather long remark about this site",
            ])
    }

    @Test func `the widest column gives way first, numbers never`() {
        #expect(
            table.lines(width: 48) == [
                "SITE                 EDGES  NOTE", "north                1,234  short",
                "south-west-hospital      7  a rather long remar…",
            ])
        #expect(
            table.lines(width: 30) == [
                "SITE        EDGES  NOTE", "north       1,234  short", "south-wes…      7  a rather l…",
            ])
        #expect(table.lines(width: 5).map(displayWidth).max() == 8 + 2 + 5 + 2 + 8, "columns keep their minimum")
    }

    @Test(arguments: 25...80)
    func `a table never exceeds a width that its minimum allows`(width: Int) {
        #expect(table.lines(width: width).allSatisfy { displayWidth($0) <= width })
    }

    @Test func `wide characters and marks count as the columns they take`() {
        var table = Table(.text("NAME", minimum: 4), .number("N"))
        table.add("日本語", "1")
        table.add("e\u{301}a", "2")
        table.add("👩‍⚕️ok", "3")
        #expect(table.lines(width: nil) == ["NAME    N", "日本語  1", "e\u{301}a      2", "👩‍⚕️ok    3"])
        #expect(table.lines(width: 7) == ["NAME  N", "日…   1", "e\u{301}a    2", "👩‍⚕️ok  3"])
    }

    @Test func `colours are outside of the text and off when plain`() {
        #expect(table.lines(width: nil, style: Style(isOn: true))[2].hasPrefix("\u{1B}[32msouth"))
        #expect(!table.lines(width: nil).joined().contains("\u{1B}"))
    }

    @Test func `what others wrote cannot steer the terminal`() {
        var table = Table(.text("NAME"))
        table.add("a\u{1B}[31mb\nc\u{202E}d")
        #expect(table.lines(width: nil)[1] == "a\\u{1b}[31mb\\nc\\u{202e}d")
        #expect(printable("plain ä 日本") == "plain ä 日本")
    }

    @Test func `values are aligned under each other`() {
        var values = KeyValues()
        values.add("site", "north")
        values.add("state digest", "0123456789abcdef 0123456789abcdef")
        #expect(
            values.lines(width: 36) == [
                "site          north", "state digest  0123456789abcdef", "              0123456789abcdef",
            ])
        #expect(values.lines(width: nil).count == 2)
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👍🏽", 2), ("🇩🇪", 2), ("\u{200D}", 0), ("한글", 4), ("✓", 1),
        ("❤️", 2),
    ])
    func `the width of text is known`(text: String, width: Int) {
        #expect(displayWidth(text) == width)
    }

    @Test func `cut text ends in an ellipsis and fits`() {
        #expect(truncated("abcdef", to: 6) == "abcdef")
        #expect(truncated("abcdef", to: 5) == "abcd…")
        #expect(truncated("日本語", to: 4) == "日…")
        #expect(truncated("abc", to: 1) == "…")
        #expect(truncated("abc", to: 0) == "")
    }
}

@Suite struct FormatTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func `counts have thousands separators`(value: Int, text: String) {
        #expect(Format.count(value) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"), (10 << 20, "10.0 MiB"),
        (200 << 20, "200 MiB"),
        (1023 << 20, "1.00 GiB"), (Int.max, "8192 PiB"),
    ])
    func `bytes have binary units`(value: Int, text: String) {
        #expect(Format.bytes(value) == text)
    }

    @Test(arguments: [
        (0.0, "0"), (999, "999"), (12_345, "12.3k"), (999_950, "1.00M"), (0.5, "0.50"), (1e18, "1000P"),
        (.infinity, "-"), (-1500, "-1.50k"),
    ])
    func `short numbers have three digits`(value: Double, text: String) {
        #expect(Format.short(value) == text)
    }

    @Test(arguments: [
        (Duration.zero, "0.0 ms"), (.microseconds(1500), "1.5 ms"), (.milliseconds(350), "350 ms"),
        (.milliseconds(999), "999 ms"),
        (.milliseconds(4200), "4.2 s"), (.milliseconds(9960), "10 s"), (.milliseconds(59_600), "1 min 00 s"),
        (.seconds(200), "3 min 20 s"),
        (.seconds(7500), "2 h 05 min"), (.seconds(86_400 * 3 + 3600 * 4), "3 d 4 h"), (.seconds(-5), "-5.0 s"),
    ])
    func `durations read as people say them`(value: Duration, text: String) {
        #expect(Format.duration(value) == text)
    }

    @Test(arguments: [
        (0.93456, 3, "0.935"), (-0.0004, 3, "0.000"), (2.5, 0, "3"), (1.05, 1, "1.1"), (.nan, 2, "-"), (12, 2, "12.00"),
        (-1.5, 1, "-1.5"),
    ])
    func `decimals are fixed`(value: Double, digits: Int, text: String) {
        #expect(Format.fixed(value, digits) == text)
    }
}
