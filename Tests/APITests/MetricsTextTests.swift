import API
import Testing

@Suite struct MetricsTextTests {
    @Test func `a page declares each family before its samples`() {
        var page = MetricsText()
        page.single("shoal_up", .gauge, "1 while it runs.", 1)
        page.family("shoal_refused_total", .counter, "By code.")
        page.sample("shoal_refused_total", ["code": "too-late"], 12)
        page.sample("shoal_refused_total", ["code": "a\\b\"c\nd"], 0.5)
        #expect(
            page.text == """
                # HELP shoal_up 1 while it runs.
                # TYPE shoal_up gauge
                shoal_up 1
                # HELP shoal_refused_total By code.
                # TYPE shoal_refused_total counter
                shoal_refused_total{code="too-late"} 12
                shoal_refused_total{code="a\\\\b\\"c\\nd"} 0.5

                """)
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e18, "1e+18"), (-3, "-3"), (0.001, "0.001"),
    ])
    func `numbers are written as Prometheus reads them`(value: Double, text: String) {
        var page = MetricsText()
        page.single("x", .gauge, "y", value)
        #expect(page.text.hasSuffix("\nx \(text)\n"))
    }
}
