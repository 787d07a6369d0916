/// What several requests take, as a schema. Handlers check it by the rules of the rooms below.
extension JSONSchema {
    /// The first digits of an id, or all of them.
    public static func digits(_ range: ClosedRange<Int>) -> JSONSchema {
        .pattern("[0-9a-fA-F]{\(range.lowerBound),\(range.upperBound)}")
    }
    public static let peer = JSONSchema.pattern("[0-9a-fA-F]{64}")
    /// Where an op stands in its log.
    public static let place = JSONSchema.integer(least: 1)
    /// The name of a log.
    public static let log = JSONSchema.pattern("[0-9a-fA-F]{16}")
    /// Decimal Koi.
    public static let koi = JSONSchema.pattern(#"[0-9]+(\.[0-9]{1,9})?"#)
    /// `HOST:PORT`; numeric addresses of IPv6 are in brackets.
    public static let address = JSONSchema.pattern(
        #"([-._%A-Za-z0-9]{1,253}|\[[-._%A-Za-z0-9]*:[-._%:A-Za-z0-9]*\]):"#
            + "([0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])")
    public static let siteName = JSONSchema.pattern("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
    /// Whatever is called by a name; that it is not too long, only the site says.
    public static let name = JSONSchema.words(1...Int.max)
    /// Any whole number that fits into 64 bits.
    public static let int64 = JSONSchema.whole(Int.min...Int.max)
    /// From -1 to 1.
    public static let weight = JSONSchema.real(from: .including(-1), to: .including(1))
}
