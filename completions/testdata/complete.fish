# Writes what fish completes for each line of standard input, a blank line after
# each. $argv[1] is the directory of the completion files.
set fish_complete_path $argv[1] $__fish_data_dir/completions
while read -l line
    complete -C $line | string replace -r '\t.*' ''
    echo
end
