package commandline

// Nearest returns the word of a list that a misspelt word was probably meant to
// be; ok is false if none is near: at most one edit in three letters.
func Nearest(word string, words []string) (nearest string, ok bool) {
	least := max(1, len(word)/3) + 1
	for _, w := range words {
		if d := distance(word, w); d < least {
			least, nearest = d, w
		}
	}
	return nearest, nearest != ""
}

// distance is the Levenshtein distance of two words, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			row[j+1] = diagonal
			if a[i] != b[j] {
				row[j+1] = 1 + min(diagonal, above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
