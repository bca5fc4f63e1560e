# pages.cmake: cmake -DFOLDER=... -DOUTPUT=... -P pages.cmake writes the files of the page into a C source.
set(arrays "")
set(rows "")

# page(PATH TYPE FILE): what answers a request for PATH
macro(page path type file)
    file(READ ${FOLDER}/${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(MAKE_C_IDENTIFIER ${file} name)
    string(APPEND arrays "static const unsigned char ${name}[] = {${bytes}};\n\n")
    string(APPEND rows "    {\"${path}\", \"${type}\", ${name}, sizeof ${name}},\n")
endmacro()

page(/ "text/html; charset=utf-8" page.html)
page(/page.css "text/css; charset=utf-8" page.css)
page(/page.js "text/javascript; charset=utf-8" page.js)
page(/icon.svg "image/svg+xml" icon.svg)

file(WRITE ${OUTPUT} "/* made by pages.cmake */\n#include \"http/pages.h\"\n\n${arrays}"
    "const struct page pages[] = {\n${rows}};\nconst size_t page_count = sizeof pages / sizeof pages[0];\n")
