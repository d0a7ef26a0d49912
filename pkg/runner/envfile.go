package runner

import (
	"fmt"
	"os"

	"github.com/joho/godotenv"
)

// ReadEnvFiles reads dotenv files, later over earlier. No error shows what is
// in a file: godotenv's quote the text around a fault, secrets and all.
func ReadEnvFiles(files []string) (map[string]string, error) {
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		variables, err := godotenv.UnmarshalBytes(text)
		if err != nil {
			return nil, &EnvFileError{file, "has a line that is not NAME=value"}
		}
		for name, value := range variables {
			if name == "" || Injects(name, value) {
				return nil, &EnvFileError{file, fmt.Sprintf("may not set %q", name)}
			}
			all[name] = value
		}
	}
	return all, nil
}

// EnvFileError refuses a dotenv file.
type EnvFileError struct{ File, Reason string }

func (e *EnvFileError) Error() string { return e.File + ": " + e.Reason }
